/** What the command line's process ends with besides 0. */
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
