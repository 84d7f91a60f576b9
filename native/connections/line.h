// Lines of /proc/net/ip_vs_conn and ip_vs_conn_sync.
#pragma once

#include "connections/connection.h"

namespace ipvs {

// Which of the two files: the second one says where a connection comes from, and nothing about persistence engines.
enum class ConnectionFile : uint8_t { plain, origin };

// The parser looks this many bytes beyond the end of a line, whatever is there.
inline constexpr size_t lineSlack = 192;

// The first line of a file, with its newline.
[[nodiscard]] std::string_view connectionHeader(ConnectionFile file);

// Reads the line at `line`; what stands before `limit` ends with a newline. Answers where the next line starts; null:
// not a line that a kernel prints. `engine` points into the line and is empty when the connection has no persistence
// engine.
[[nodiscard]] const char* parseConnection(const char* line, const char* limit, ConnectionFile file, Connection& row,
                                          EngineText& engine);

} // namespace ipvs
