// The items of a batch as they were serialized: the values of their fields, not yet looked at.
#pragma once

#include "packing/v8_value.h"

#include <array>

namespace ipvs {

inline constexpr Cloned undefinedValue{};

// The fields of lib/services/service.ts, those of the key first. Listings and snapshots have the last two.
namespace service {
enum Name : uint8_t {
  fwmark,
  family,
  protocol,
  address,
  port,
  scheduler,
  schedulerFlags,
  persistence,
  persistenceEngine,
  onePacket,
  statistics,
  destinations,
};
inline constexpr std::array<std::string_view, 12> names{
    "fwmark",         "family",      "protocol",          "address",   "port",       "scheduler",
    "schedulerFlags", "persistence", "persistenceEngine", "onePacket", "statistics", "destinations"};
} // namespace service

// Those of lib/services/persistence.ts.
namespace persistence {
enum Name : uint8_t {
  timeoutSeconds,
  netmask,
};
inline constexpr std::array<std::string_view, 2> names{"timeoutSeconds", "netmask"};
} // namespace persistence

// Those of lib/services/destination.ts. Listings have the last four, which nobody looks at.
namespace destination {
enum Name : uint8_t {
  address,
  port,
  forwarding,
  weight,
  upperThreshold,
  lowerThreshold,
  tunnel,
};
inline constexpr std::array<std::string_view, 11> names{"address",
                                                        "port",
                                                        "forwarding",
                                                        "weight",
                                                        "upperThreshold",
                                                        "lowerThreshold",
                                                        "tunnel",
                                                        "activeConnections",
                                                        "inactiveConnections",
                                                        "persistentConnections",
                                                        "statistics"};
} // namespace destination

// The values of an object's fields.
template <size_t Count> class Fields {
public:
  bool named = false;   // whether there is an object
  bool unusual = false; // it is not one, or has other fields as well

  // Undefined where there is none.
  const Cloned& operator[](size_t name) const { return has(name) ? values_[name] : undefinedValue; }

  // Also when its value is undefined.
  [[nodiscard]] bool has(size_t name) const { return (present_ & (1U << name)) != 0; }

  void set(size_t name, const Cloned& value) {
    values_[name] = value;
    present_ |= 1U << name;
  }

  // Removes all. The values stay where they are: clearing these would take as long as reading.
  void clear() {
    named = unusual = false;
    present_ = 0;
  }

private:
  uint32_t present_ = 0;
  std::array<Cloned, Count> values_;
};
using ServiceFields = Fields<service::names.size()>;
using PersistenceFields = Fields<persistence::names.size()>;
using DestinationFields = Fields<destination::names.size()>;

struct ItemFields {
  bool unusual = false; // it is no object, or has other fields as well
  Cloned operation;
  ServiceFields service;
  PersistenceFields persistence; // of the service
  DestinationFields destination;
  DestinationFields patch;
};

// Replaces what `item` was. False: it is broken, and so are all that follow.
[[nodiscard]] bool readItem(CloneReader& reader, ItemFields& item);

} // namespace ipvs
