#include "tensor/context.h"

namespace mr {

Context& context() {
  thread_local Context current;
  return current;
}

}  // namespace mr
