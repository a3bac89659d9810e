// Planted for the test of the layering test: geometry knows no tensors.
#include "tensor/tensor.h"
