// nfnetlink framing: message types, the nfgenmsg header, transactions.
#pragma once

#include "netlink/channel.h"

#include <netinet/in.h> // before the kernel's own

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <string>

namespace nftables {

using netlink::Batch;
using netlink::Bytes;
using netlink::Control;
using netlink::Failure;
using netlink::failureOf;
using netlink::Message;
using netlink::Status;
using netlink::Writer;

constexpr uint16_t messageType(uint16_t message) { return NFNL_SUBSYS_NFTABLES << 8 | message; }

// Opens a message of nf_tables; append attributes, then batch.end().
[[nodiscard]] Writer beginMessage(Batch& batch, uint16_t message, uint16_t flags, uint8_t family = NFPROTO_INET);

// The first message of a batch that is carried out as a whole or not at all. With a generation other than 0 it is
// refused (ERESTART, against this message) when the ruleset is no longer that one. Everything goes into one sendmsg().
void beginTransaction(Batch& batch, uint32_t generation);

// Asks for an acknowledgement of what stands last so far, and closes the transaction: without the closing message the
// kernel checks everything, says it is fine, and applies nothing. BATCH_END itself is acknowledged since 6.10 only.
void endTransaction(Batch& batch);

// The attributes of a reply of type `message`; false when it is something else or too short.
[[nodiscard]] bool messageAttributes(const Message& received, uint16_t message, Bytes& attributes);

// Values inside attributes, all of them in network order. False: wrong width.
[[nodiscard]] bool readU32(Bytes payload, uint32_t& value);
[[nodiscard]] std::string readText(Bytes payload);

// The payload of the first attribute of this type; an empty one when there is none.
[[nodiscard]] Bytes findAttribute(Bytes attributes, uint16_t type);

// What a refused question means.
[[nodiscard]] Status refusalStatus(int error);

// The ruleset's generation: it counts the transactions that were applied in the network namespace.
[[nodiscard]] Status readGeneration(netlink::Channel& channel, const Control& control, uint32_t& generation);

} // namespace nftables
