// A scripted nf_tables: stores the objects that transactions create and returns them, as far as the mark map needs it.
#pragma once

#include "fake_kernel.h"
#include "nftables/elements.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

namespace fake {

class Tables {
public:
  using Requests = std::vector<netlink::Message>;
  using Datagrams = std::vector<Datagram>;

  uint32_t generation = 1;
  std::map<std::string, std::vector<nftables::Element>> elements; // of each map that exists
  std::vector<Requests> transactions;                             // as they arrived
  bool strayData = false;                                         // a deletion contained data besides keys
  std::vector<Datagram> kept;                                     // the bytes that `transactions` point into

  // Replies instead of this class unless it returns nullopt.
  std::function<std::optional<Datagrams>(const Requests&)> intercept;

  Datagrams operator()(const Requests& requests) {
    if (auto replies = intercept ? intercept(requests) : std::nullopt) {
      return *replies;
    }
    return isTransaction(requests) ? commit(requests) : reply(requests);
  }

  static bool isTransaction(const Requests& requests) { return requests[0].header.nlmsg_type == NFNL_MSG_BATCH_BEGIN; }

  static uint8_t messageOf(const netlink::Message& message) {
    return static_cast<uint8_t>(message.header.nlmsg_type & 0xff);
  }

  static netlink::Bytes attributesOf(const netlink::Message& message) {
    return message.payload.subspan(sizeof(nfgenmsg));
  }

  // Applies a transaction and returns the requested acknowledgement.
  Datagrams commit(const Requests& requests) {
    for (const netlink::Message& message : requests) {
      apply(message);
    }
    ++generation;
    return acknowledge(requests);
  }

  static Datagrams acknowledge(const Requests& requests) {
    for (const netlink::Message& message : requests) {
      if ((message.header.nlmsg_flags & NLM_F_ACK) != 0) {
        return {Reply().ack(message.header).take()};
      }
    }
    return {};
  }

  static Datagram refuse(const netlink::Message& message, int error, uint32_t offset = 0) {
    const auto putOffset = [offset](netlink::Writer& writer) {
      if (offset != 0) {
        writer.value(NLMSGERR_ATTR_OFFS, offset);
      }
    };
    return Reply().error(message.header, error, putOffset).take();
  }

  void forget(const std::string& object) { objects_.erase(object); }
  void forgetRules() { rules_.clear(); }
  void forgetRule(size_t index) { rules_.erase(rules_.begin() + static_cast<std::ptrdiff_t>(index)); }
  // Moves the first rule to the end.
  void rotateRules() { std::rotate(rules_.begin(), rules_.begin() + 1, rules_.end()); }
  // `flags dormant`
  void sleep() {
    netlink::Writer writer(objects_.at("table").second);
    writer.valueBigEndian(NFTA_TABLE_FLAGS, uint32_t{NFT_TABLE_F_DORMANT});
  }

  void addRule(const char* chain, netlink::Bytes expressions, bool first = false) {
    Datagram payload(sizeof(nfgenmsg));
    netlink::Writer writer(payload);
    writer.text(NFTA_RULE_CHAIN, chain);
    const size_t list = writer.beginNest(NFTA_RULE_EXPRESSIONS);
    writer.append(expressions.data(), expressions.size());
    writer.endNest(list);
    rules_.insert(first ? rules_.begin() : rules_.end(),
                  withHandle({nftables::messageType(NFT_MSG_NEWRULE), std::move(payload)}));
  }

  // Stores a copy of a transaction, as its bytes are valid only until the next datagram.
  void remember(const Requests& requests) {
    Requests copies;
    for (const netlink::Message& message : requests) {
      kept.emplace_back(message.payload.begin(), message.payload.end());
      copies.push_back({message.header, kept.back()});
    }
    transactions.push_back(std::move(copies));
  }

private:
  using Object = std::pair<uint16_t, Datagram>; // type and payload of the message that created it

  static std::string nameOf(netlink::Bytes attributes, uint16_t type) {
    return nftables::readText(nftables::findAttribute(attributes, type));
  }

  static const nftables::MapDefinition& definition(const std::string& name) {
    return *std::ranges::find(nftables::maps, name, &nftables::MapDefinition::name);
  }

  // "chain marks", "map exact4" or "table".
  static std::string keyOf(uint8_t message, netlink::Bytes attributes) {
    switch (message) {
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_GETTABLE:
      return "table";
    case NFT_MSG_NEWCHAIN:
    case NFT_MSG_GETCHAIN:
      return "chain " + nameOf(attributes, NFTA_CHAIN_NAME);
    default:
      return "map " + nameOf(attributes, NFTA_SET_NAME);
    }
  }

  void apply(const netlink::Message& message) {
    const uint8_t type = messageOf(message);
    if (message.header.nlmsg_type < NLMSG_MIN_TYPE + 16) {
      return; // BATCH_BEGIN, BATCH_END
    }
    const netlink::Bytes attributes = attributesOf(message);
    const Object object{message.header.nlmsg_type, Datagram(message.payload.begin(), message.payload.end())};
    switch (type) {
    case NFT_MSG_DELTABLE:
      objects_.clear();
      rules_.clear();
      elements.clear();
      return;
    case NFT_MSG_NEWRULE: {
      const bool last = (message.header.nlmsg_flags & NLM_F_APPEND) != 0;
      rules_.insert(last ? rules_.end() : rules_.begin(), withHandle(object));
      return;
    }
    case NFT_MSG_DELRULE: {
      const uint64_t handle = handleOf(attributes);
      std::erase_if(rules_, [handle](const Object& rule) {
        return handleOf(netlink::Bytes(rule.second).subspan(sizeof(nfgenmsg))) == handle;
      });
      return;
    }
    case NFT_MSG_NEWSET:
      elements[nameOf(attributes, NFTA_SET_NAME)];
      [[fallthrough]];
    case NFT_MSG_NEWTABLE:
    case NFT_MSG_NEWCHAIN:
      objects_[keyOf(type, attributes)] = object;
      return;
    case NFT_MSG_NEWSETELEM:
    case NFT_MSG_DELSETELEM:
      change(attributes, type == NFT_MSG_NEWSETELEM);
      return;
    default:
      return;
    }
  }

  Object withHandle(Object rule) {
    netlink::Writer writer(rule.second);
    writer.valueBigEndian(NFTA_RULE_HANDLE, ++handles_);
    return rule;
  }

  static uint64_t handleOf(netlink::Bytes attributes) {
    const netlink::Bytes handle = nftables::findAttribute(attributes, NFTA_RULE_HANDLE);
    return handle.empty() ? 0 : netlink::networkOrder(netlink::load<uint64_t>(handle.data()));
  }

  void change(netlink::Bytes attributes, bool add) {
    const std::string name = nameOf(attributes, NFTA_SET_ELEM_LIST_SET);
    std::vector<std::byte> list;
    const netlink::Bytes given = nftables::findAttribute(attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
    netlink::AttributeReader reader(given);
    netlink::Attribute element;
    while (reader.next(element)) {
      netlink::Writer writer(list);
      const size_t nest = writer.beginNest(NFTA_LIST_ELEM);
      writer.append(element.payload.data(), element.payload.size());
      const bool hasData = !nftables::findAttribute(element.payload, NFTA_SET_ELEM_DATA).empty();
      strayData = strayData || (hasData && !add);
      if (!hasData) { // deletions have only keys; readElements() requires data
        const size_t data = writer.beginNest(NFTA_SET_ELEM_DATA);
        writer.value(NFTA_DATA_VALUE, uint32_t{0});
        writer.endNest(data);
      }
      writer.endNest(nest);
      std::vector<nftables::Element> rows;
      std::string problem;
      if (nftables::readElements(list, definition(name), rows, problem)) {
        const auto same = [&rows](const nftables::Element& other) {
          return !nftables::keyLess(other, rows[0]) && !nftables::keyLess(rows[0], other);
        };
        std::erase_if(elements[name], same);
        if (add) {
          elements[name].push_back(rows[0]);
        }
      }
      list.clear();
    }
  }

  Datagrams reply(const Requests& requests) {
    Datagrams datagrams;
    for (const netlink::Message& request : requests) {
      Datagram datagram = replyToOne(request);
      if ((request.header.nlmsg_flags & NLM_F_ACK) != 0 && !lastFailed_) {
        const Datagram ack = Reply().ack(request.header).take();
        datagram.insert(datagram.end(), ack.begin(), ack.end());
      }
      datagrams.push_back(std::move(datagram));
    }
    return datagrams;
  }

  Datagram replyToOne(const netlink::Message& request) {
    lastFailed_ = false;
    const netlink::Bytes attributes = attributesOf(request);
    const uint8_t type = messageOf(request);
    switch (type) {
    case NFT_MSG_GETGEN:
      return build(request, NFT_MSG_NEWGEN,
                   [this](netlink::Writer& writer) { writer.valueBigEndian(NFTA_GEN_ID, generation); });
    case NFT_MSG_GETRULE: {
      Datagram datagram;
      for (const Object& rule : rules_) {
        add(datagram, request, rule);
      }
      return finish(std::move(datagram), request);
    }
    case NFT_MSG_GETSETELEM: {
      const auto found = elements.find(nameOf(attributes, NFTA_SET_ELEM_LIST_SET));
      if (found == elements.end()) {
        return fail(request);
      }
      return finish(build(request, NFT_MSG_NEWSETELEM,
                          [&found](netlink::Writer& writer) {
                            const size_t list = writer.beginNest(NFTA_SET_ELEM_LIST_ELEMENTS);
                            for (const nftables::Element& element : found->second) {
                              nftables::writeElement(writer, definition(found->first), element, nftables::Detail::full);
                            }
                            writer.endNest(list);
                          }),
                    request);
    }
    default: {
      const auto found = objects_.find(keyOf(type, attributes));
      Datagram datagram;
      return found == objects_.end() ? fail(request) : add(datagram, request, found->second);
    }
    }
  }

  Datagram fail(const netlink::Message& request) {
    lastFailed_ = true;
    return Reply().error(request.header, ENOENT).take();
  }

  template <typename Body> static Datagram build(const netlink::Message& request, uint16_t message, Body body) {
    Datagram payload(sizeof(nfgenmsg));
    netlink::Writer writer(payload);
    body(writer);
    Datagram datagram;
    return add(datagram, request, {nftables::messageType(message), payload});
  }

  static Datagram& add(Datagram& datagram, const netlink::Message& request, const Object& object) {
    const auto length = static_cast<uint32_t>(sizeof(nlmsghdr) + object.second.size());
    const nlmsghdr header{length, object.first, 0, request.header.nlmsg_seq, 0};
    netlink::Writer writer(datagram);
    writer.append(&header, sizeof header);
    writer.append(object.second.data(), object.second.size());
    return datagram;
  }

  static Datagram finish(Datagram datagram, const netlink::Message& request) {
    const Datagram done = Reply().doneDump(request.header).take();
    datagram.insert(datagram.end(), done.begin(), done.end());
    return datagram;
  }

  std::map<std::string, Object> objects_;
  std::vector<Object> rules_;
  uint64_t handles_ = 0;
  bool lastFailed_ = false;
};

} // namespace fake
