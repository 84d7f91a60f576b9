// The operations of IPVS: one line each.
#pragma once

#include "ipvs/schema.h"

#include <iterator>

namespace ipvs {

enum class Operation : uint32_t {
  addService,
  updateService,
  removeService,
  addDestination,
  updateDestination,
  removeDestination,
  flush,
  zeroService,
  zeroAll,
  setTimeouts,
  startSyncDaemon,
  stopSyncDaemon,
  getService,
  listServices,
  listDestinations,
  info,
  getTimeouts,
  listSyncDaemons,
};

enum class Form : uint8_t {
  write,
  patch, // a write that first reads the current row, as the kernel replaces whole records
  get,
  dump,
};

struct Command {
  Operation operation;
  const char* name;
  uint8_t command; // IPVS_CMD_*
  Form form;
  bool service;                    // the request contains a service (at least its key)
  bool destination;                // the request contains a destination
  const netlink::Record* settings; // another record in the request
  const netlink::Record* reply;
};

inline constexpr Command commands[] = {
    {Operation::addService, "addService", IPVS_CMD_NEW_SERVICE, Form::write, true, false, nullptr, nullptr},
    {Operation::updateService, "updateService", IPVS_CMD_SET_SERVICE, Form::patch, true, false, nullptr, nullptr},
    {Operation::removeService, "removeService", IPVS_CMD_DEL_SERVICE, Form::write, true, false, nullptr, nullptr},
    {Operation::addDestination, "addDestination", IPVS_CMD_NEW_DEST, Form::write, true, true, nullptr, nullptr},
    {Operation::updateDestination, "updateDestination", IPVS_CMD_SET_DEST, Form::patch, true, true, nullptr, nullptr},
    {Operation::removeDestination, "removeDestination", IPVS_CMD_DEL_DEST, Form::write, true, true, nullptr, nullptr},
    {Operation::flush, "flush", IPVS_CMD_FLUSH, Form::write, false, false, nullptr, nullptr},
    {Operation::zeroService, "zeroService", IPVS_CMD_ZERO, Form::write, true, false, nullptr, nullptr},
    {Operation::zeroAll, "zeroAll", IPVS_CMD_ZERO, Form::write, false, false, nullptr, nullptr},
    {Operation::setTimeouts, "setTimeouts", IPVS_CMD_SET_CONFIG, Form::write, false, false, &timeoutsRecord, nullptr},
    {Operation::startSyncDaemon, "startSyncDaemon", IPVS_CMD_NEW_DAEMON, Form::write, false, false, &daemonRecord,
     nullptr},
    {Operation::stopSyncDaemon, "stopSyncDaemon", IPVS_CMD_DEL_DAEMON, Form::write, false, false, &daemonRecord,
     nullptr},
    {Operation::getService, "getService", IPVS_CMD_GET_SERVICE, Form::get, true, false, nullptr, &serviceRecord},
    {Operation::listServices, "listServices", IPVS_CMD_GET_SERVICE, Form::dump, false, false, nullptr, &serviceRecord},
    // No kernel has a request for a single destination.
    {Operation::listDestinations, "listDestinations", IPVS_CMD_GET_DEST, Form::dump, true, false, nullptr,
     &destinationRecord},
    {Operation::info, "info", IPVS_CMD_GET_INFO, Form::get, false, false, nullptr, &infoRecord},
    {Operation::getTimeouts, "getTimeouts", IPVS_CMD_GET_CONFIG, Form::get, false, false, nullptr, &timeoutsRecord},
    {Operation::listSyncDaemons, "listSyncDaemons", IPVS_CMD_GET_DAEMON, Form::dump, false, false, nullptr,
     &daemonRecord},
};

constexpr bool inOrder() {
  for (size_t i = 0; i < std::size(commands); ++i) {
    if (static_cast<size_t>(commands[i].operation) != i) {
      return false;
    }
  }
  return true;
}
static_assert(inOrder());

constexpr const Command& commandOf(Operation operation) { return commands[static_cast<size_t>(operation)]; }

// One of the operations of a call, with the rows that it is about. A row that it does not have is 0.
struct Triple {
  uint32_t operation;
  uint32_t row;         // of its service, of timeouts or of a daemon
  uint32_t destination; // row of its destination

  bool operator==(const Triple&) const = default;
};

} // namespace ipvs
