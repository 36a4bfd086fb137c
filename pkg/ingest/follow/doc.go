// Package follow imports files as they come and grow, until it is stopped.
//
// A file is read whole whenever it has changed. That counts nothing twice, because what
// it brings has ids that stay the same, and makes no difference between a file that was
// appended to, written anew, renamed or put back. So nothing has to be remembered over a
// restart, and notifications of the file system (fsnotify) only make it quicker: what
// they leave out, as on network file systems, the next look at the folder finds.
//
// A line is read when it is complete. What somebody is writing at the moment waits.
package follow
