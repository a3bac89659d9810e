// MR_HD marks the mathematics that runs on either device: on the host it is nothing, under nvcc it is __host__ __device__.
#pragma once

#ifdef __CUDACC__
#define MR_HD __host__ __device__
#else
#define MR_HD
#endif
