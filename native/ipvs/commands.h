// What can be asked of IPVS: one line per operation.
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
    getService,
    listServices,
    listDestinations,
    info,
};

enum class Form : uint8_t {
    write,
    patch, // a write for which the current row is read first: the kernel replaces records as a whole
    get,
    dump,
};

struct Command {
    Operation operation;
    const char* name;
    uint8_t command; // IPVS_CMD_*
    Form form;
    bool service;     // the request carries a service (at least its key)
    bool destination; // and a destination
    const netlink::Record* reply;
};

inline constexpr Command commands[] = {
    {Operation::addService, "addService", IPVS_CMD_NEW_SERVICE, Form::write, true, false, nullptr},
    {Operation::updateService, "updateService", IPVS_CMD_SET_SERVICE, Form::patch, true, false, nullptr},
    {Operation::removeService, "removeService", IPVS_CMD_DEL_SERVICE, Form::write, true, false, nullptr},
    {Operation::addDestination, "addDestination", IPVS_CMD_NEW_DEST, Form::write, true, true, nullptr},
    {Operation::updateDestination, "updateDestination", IPVS_CMD_SET_DEST, Form::patch, true, true, nullptr},
    {Operation::removeDestination, "removeDestination", IPVS_CMD_DEL_DEST, Form::write, true, true, nullptr},
    {Operation::flush, "flush", IPVS_CMD_FLUSH, Form::write, false, false, nullptr},
    {Operation::getService, "getService", IPVS_CMD_GET_SERVICE, Form::get, true, false, &serviceRecord},
    {Operation::listServices, "listServices", IPVS_CMD_GET_SERVICE, Form::dump, false, false, &serviceRecord},
    // There is no request for one destination, in any kernel.
    {Operation::listDestinations, "listDestinations", IPVS_CMD_GET_DEST, Form::dump, true, false, &destinationRecord},
    {Operation::info, "info", IPVS_CMD_GET_INFO, Form::get, false, false, &infoRecord},
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

} // namespace ipvs
