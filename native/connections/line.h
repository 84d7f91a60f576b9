// Parses lines of /proc/net/ip_vs_conn and ip_vs_conn_sync.
#pragma once

#include "connections/connection.h"

namespace ipvs {

// plain: ip_vs_conn; origin: ip_vs_conn_sync, which has a column for the origin but none for persistence engines.
enum class ConnectionFile : uint8_t { plain, origin };

// The parser may read this many bytes beyond the end of a line.
inline constexpr size_t lineSlack = 192;

// The first line of a file, with its newline.
[[nodiscard]] std::string_view connectionHeader(ConnectionFile file);

// Parses the line at `line`. The bytes before `limit` must end with a newline. Returns the start of the next line;
// null: not in the kernel's format. `engine` points into the line; empty: no persistence engine.
[[nodiscard]] const char* parseConnection(const char* line, const char* limit, ConnectionFile file, Connection& row,
                                          EngineText& engine);

} // namespace ipvs
