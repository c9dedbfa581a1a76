"""What the user of the command line can do about an error: the options, which the library does not know."""

from specfeat.errors import Remedy

SUGGESTIONS = {
    Remedy.REPLACE_OUTPUT: "use --force to recompute everything",
    Remedy.UPDATE_OR_REPLACE_OUTPUT: (
        "give another name, use --update to bring it up to date, or use --force to replace it"
    ),
    Remedy.RESUME_OR_REPLACE: "use --resume to continue it, or --force to start again",
    Remedy.SAME_SETTINGS_OR_REPLACE: "use the same settings to continue it, or --force to start again",
    Remedy.WAIT_FOR_LOCK: "use --lock-wait SECONDS to wait for it",
    Remedy.START_FEWER_WORKERS: "use --workers N to start fewer",
    Remedy.USE_LESS_MEMORY: (
        "use a smaller batch (--set model.batch=N), or fewer --workers and --threads, or free some memory"
    ),
    Remedy.ALLOW_MORE_TIME: "use --timeout-per-file SECONDS to allow more time",
    Remedy.CHOOSE_OTHER_DEVICE: "use --device cpu or --device auto",
    Remedy.RESUME_OR_UPDATE: "use it together with --resume or --update",
    Remedy.CONTINUE_AFTER_FAILURES: "use --on-error skip to continue after failures",
    Remedy.ALLOW_MORE_FAILURES: "use --max-failures to allow more",
}
