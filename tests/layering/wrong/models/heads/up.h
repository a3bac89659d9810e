// A part that knows its system.
#pragma once
#include "models/systems/rcnn.h"
