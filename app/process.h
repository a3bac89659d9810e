// What the program may count on, whoever starts it and however.
#pragma once

namespace mr::app {

// Called first of all.
//
// Standard input, output and error that came closed are opened on /dev/null: the first files opened would else get their numbers, and
// what is printed would land in these files. A write to a pipe that nobody reads any more, or beyond the limit on a file's size, fails with
// an error (EPIPE, EFBIG), like one to a full disk, and does not end the program (SIGPIPE, SIGXFSZ).
//
// Threads that wait for each other sleep soon. libgomp's wait by asking again and again, for some
// milliseconds, before they sleep. That is right on a computer of one's own; where another program
// wants the processor too, the thread that asks keeps it from the one that is waited for, and a
// training step takes six times as long. libgomp reads its environment when it is loaded, before
// main: so the program sets GOMP_SPINCOUNT and starts itself again, once, in the same process.
// Where GOMP_SPINCOUNT or OMP_WAIT_POLICY is set already, it stands.
void prepare_process(char** argv);

}  // namespace mr::app
