// Reads serialized batch items: finds the fields that the packer needs, without validation.
#pragma once

#include "packing/v8_value.h"

#include <array>

namespace ipvs {

inline constexpr Cloned undefinedValue{};

// The fields of a service (lib/services/service.ts), key first. The last two only occur in listings and snapshots.
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

// The fields of lib/services/persistence.ts.
namespace persistence {
enum Name : uint8_t {
  timeoutSeconds,
  netmask,
};
inline constexpr std::array<std::string_view, 2> names{"timeoutSeconds", "netmask"};
} // namespace persistence

// The fields of a destination (lib/services/destination.ts). The last four only occur in listings and are ignored.
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
  bool named = false;   // the value is present
  bool unusual = false; // the value is not an object, or has unknown fields

  // `undefined` for absent fields.
  const Cloned& operator[](size_t name) const { return has(name) ? values_[name] : undefinedValue; }

  // True also for a present field with the value `undefined`.
  [[nodiscard]] bool has(size_t name) const { return (present_ & (1U << name)) != 0; }

  void set(size_t name, const Cloned& value) {
    values_[name] = value;
    present_ |= 1U << name;
  }

  // Marks all fields absent. Does not clear the values, which would take as long as reading.
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
  bool unusual = false; // not an object, or with unknown fields
  Cloned operation;
  ServiceFields service;
  PersistenceFields persistence; // of the service
  DestinationFields destination;
  DestinationFields patch;
};

// Reads the next item into `item`. False: invalid input; later items cannot be read either.
[[nodiscard]] bool readItem(CloneReader& reader, ItemFields& item);

} // namespace ipvs
