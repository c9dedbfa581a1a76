"""The suggestion for each remedy of an error, with the options of the command line."""

from specfeat.errors import Remedy

SUGGESTIONS = {
    Remedy.REPLACE_OUTPUT: "use --force to recompute everything",
    Remedy.UPDATE_OR_REPLACE_OUTPUT: (
        "give the output another name, use --update to extract only new and changed files, "
        "or use --force to replace the output"
    ),
    Remedy.RENAME_OR_REPLACE_OUTPUT: "give the output another name, or use --force to replace it",
    Remedy.RESUME_OR_REPLACE: "use --resume to continue the unfinished run, or --force to start again",
    Remedy.EXTEND_OR_REPLACE: "use --resume with more --epochs to continue it, or --force to start again",
    Remedy.SAME_SETTINGS_OR_REPLACE: (
        "use the same settings to continue the unfinished run, or --force to start again"
    ),
    Remedy.WAIT_FOR_LOCK: "use --lock-wait SECONDS to wait for the other run",
    Remedy.START_FEWER_WORKERS: "use --workers N to start fewer processes",
    Remedy.USE_LESS_MEMORY: (
        "use a smaller batch (--set model.batch=N), or fewer --workers and --threads, or free some memory"
    ),
    Remedy.ALLOW_MORE_TIME: "use --timeout-per-file SECONDS to allow more time",
    Remedy.CHOOSE_OTHER_DEVICE: "use --device cpu or --device auto",
    Remedy.CHOOSE_FITTING_CONFIG: "choose it with -c, and give the file with --set model.weights.file=FILE",
    Remedy.RESUME_OR_UPDATE: "use --retry-failed together with --resume or --update",
    Remedy.CONTINUE_AFTER_FAILURES: "use --on-error skip to continue after failures",
    Remedy.NAME_COLUMN: "name the right column, e.g. --column path=filename",
    Remedy.NAME_ID_COLUMN: "or use --column id=COLUMN with a column in which they differ, e.g. the label",
    Remedy.NAME_SEGMENT_FORMAT: "use --segments-format NAME if you know its format",
    Remedy.EXTRACT_AGAIN: "extract it again, or use the version of specfeat that has written it",
    Remedy.EXTRACT_AGAIN_OR_USE_ROW: "extract it again, or use --row N to search with one of its rows",
    Remedy.NAME_WEIGHTS_FILE: "use --weights FILE if it is in another place now",
    Remedy.DRAW_WITH_CHARACTERS: "or use --terminal to draw with characters",
    Remedy.NAME_CLASSES: "use --names NAME,NAME,... to name its columns in order",
    Remedy.ALLOW_MORE_FAILURES: "use --max-failures to allow more failures",
}
