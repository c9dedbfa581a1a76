// Starts the page.

const THEMES = ["auto", "dark", "light"];

function startTheme() {
  const button = document.getElementById("theme");
  const show = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Colours: ${theme === "auto" ? "as the system" : theme}`;
    planDrawing(true);
  };
  let theme = "auto";
  try {
    theme = THEMES.find((one) => one === localStorage.getItem("specfeat.theme")) || theme;
  } catch { /* the browser keeps nothing; the page follows the system */ }
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try {
      localStorage.setItem("specfeat.theme", theme);
    } catch { /* as above */ }
    show(theme);
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => planDrawing(true));
  show(theme);
}

function startMap() {
  shuffleRows();
  colorRows();
  measureBounds();
  new ResizeObserver(resizeMap).observe(document.getElementById("map-frame"));
  resizeMap();
  startPointer();
  document.getElementById("zoom-in").addEventListener("click", KEY_ACTIONS["+"]);
  document.getElementById("zoom-out").addEventListener("click", KEY_ACTIONS["-"]);
  document.getElementById("fit").addEventListener("click", showWholeMap);
  document.getElementById("select-view").addEventListener("click", selectView);
  document.getElementById("clear-selection").addEventListener("click", () => selectRows([], false));
  document.getElementById("copy-link").addEventListener("click", copyLink);
  listen("view", () => planDrawing(true));
  listen("selection", () => planDrawing(true));
  listen("hovered", () => planDrawing(false));
  listen("current", () => planDrawing(false));
}

function startPlayButtons() {
  document.getElementById("play").addEventListener("click", togglePlaying);
  document.getElementById("play-previous").addEventListener("click", () => stepAndPlay(-1));
  document.getElementById("play-next").addEventListener("click", () => stepAndPlay(1));
  listen("current", showDetails);
  listen("labels", showDetails);
}

async function startPage() {
  try {
    await loadArrays();
  } catch (error) {
    const message = document.getElementById("message");
    message.textContent = `This report cannot be shown. ${error.message}`;
    message.hidden = false;
    return;
  }
  startState();
  showSummary();
  startTheme();
  startMap();
  startLegend();
  startPlayButtons();
  startRowTable();
  startKeys();
  loadLabels();
  startLabelPanel();
  followOtherPages();
  showProblems();
  showLegend();
  showFilterState();
  showDetails();
  openLink();
  window.addEventListener("hashchange", openLink);
  document.documentElement.dataset.ready = "true";
}

startPage();
