// What the program may count on, whoever starts it and however.
#pragma once

namespace mr::app {

// Called first of all.
//
// Standard input, output and error that came closed are opened on /dev/null: the first files opened would else get their numbers, and
// what is printed would land in these files. A write to a pipe that nobody reads any more, or beyond the limit on a file's size, fails with
// an error (EPIPE, EFBIG), like one to a full disk, and does not end the program (SIGPIPE, SIGXFSZ).
void prepare_process();

}  // namespace mr::app
