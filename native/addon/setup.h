// The only place that includes napi.h; its switches are in sources.gypi.
#pragma once

#include <napi.h>
