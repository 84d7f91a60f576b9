// Exit statuses: all that the program has.

/** It is done; a listing of nothing is one, too. */
export const DONE = 0

/** What was asked for failed: the kernel refused it, a file cannot be read or written, `doctor` found something bad. */
export const FAILED = 1

/** The words of the command line make no sense, or a value in them cannot be. Nothing was changed. */
export const USAGE = 2

/** Nobody reads the output any more, as behind `| head`: as a shell shows a program that SIGPIPE has ended. */
export const READER_GONE = 141

/** Those of `adm`, as scripts know them from ipvsadm: words without sense, what failed, and listings that failed. */
export const ADM_USAGE = 2
export const ADM_FAILED = 255
export const ADM_CANNOT_LIST = 1
