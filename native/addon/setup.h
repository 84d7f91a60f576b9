// The only file that includes napi.h; its defines are in sources.gypi.
#pragma once

#include <napi.h>
