// All exit statuses of the program.

/** Success; also for an empty listing. */
export const DONE = 0

/** Failure: the kernel refused the operation, a file cannot be read or written, `doctor` has a bad finding. */
export const FAILED = 1

/** Usage error: unknown words or an invalid value on the command line. Nothing was changed. */
export const USAGE = 2

/** The reader of the output has gone, as behind `| head`: the status that a shell shows after SIGPIPE. */
export const READER_GONE = 141

/** Statuses of `adm`, the same as ipvsadm's: usage error, failure, failed listing. */
export const ADM_USAGE = 2
export const ADM_FAILED = 255
export const ADM_CANNOT_LIST = 1
