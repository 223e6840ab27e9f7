"""Events that tests of rules describe: a process, and the system call that it makes."""
