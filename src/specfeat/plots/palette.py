"""The colours of all plots. They can be told apart with colour blindness, and in a print without colours.

Categories have the eight colours of Okabe and Ito, "Color Universal Design" (2008), and each has a marker and
a line style of its own, because some of these colours are the same grey in print. Values have the colour map
viridis (Smith and van der Walt, 2015), whose lightness rises evenly: the larger a value, the lighter its
grey.
"""

BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
SKY_BLUE, PURPLE, BLACK, YELLOW = "#56B4E9", "#CC79A7", "#000000", "#F0E442"
# The order is that of use: the first ones differ most in lightness from white paper and from each other.
CATEGORY_COLORS = (BLUE, VERMILION, GREEN, BLACK, SKY_BLUE, PURPLE, ORANGE, YELLOW)
CATEGORY_MARKERS = ("o", "^", "s", "X", "D", "v", "P", "*")
CATEGORY_LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (8, 2)))
MAX_CATEGORIES = len(CATEGORY_COLORS)
OTHER_COLOR, OTHER_MARKER = "#999999", "."  # of all categories that have no colour of their own
VALUE_COLORMAP = "viridis"
WAVEFORM_COLOR = "#404040"
