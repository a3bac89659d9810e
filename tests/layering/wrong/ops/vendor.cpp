// Planted: a vendor outside its one file, and files of the operating system in the mathematics.
#include <cblas.h>
#include <unistd.h>
