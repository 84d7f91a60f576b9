// Module initialisation: the members of `binding` in lib/binding/addon.ts.
#include "addon/sessions.h"
#include "connections/filter.h"
#include "connections/groups.h"
#include "ipvs/commands.h"
#include "ipvs/settings.h"
#include "nftables/element.h"
#include "nftables/foreign_marks.h"
#include "nftables/tracer.h"
#include "packing/packer.h"

namespace addon {
namespace {

const char* kindName(netlink::Kind kind) {
  switch (kind) {
  case netlink::Kind::u8:
    return "u8";
  case netlink::Kind::u16:
    return "u16";
  case netlink::Kind::u32:
    return "u32";
  case netlink::Kind::u64:
    return "u64";
  case netlink::Kind::be16:
    return "be16";
  case netlink::Kind::text:
    return "text";
  case netlink::Kind::bytes:
    return "bytes";
  case netlink::Kind::flags:
    return "flags";
  case netlink::Kind::nested:
    return "nested";
  }
  return "bytes";
}

Napi::Object recordObject(Napi::Env env, const netlink::Record& record) {
  auto object = Napi::Object::New(env);
  object["name"] = record.name;
  object["size"] = Napi::Number::New(env, record.size);
  auto fields = Napi::Array::New(env, record.fields.size());
  uint32_t index = 0;
  for (const netlink::Field& field : record.fields) {
    auto described = Napi::Object::New(env);
    described["name"] = field.name;
    described["kind"] = kindName(field.kind);
    described["offset"] = Napi::Number::New(env, field.offset);
    described["size"] = Napi::Number::New(env, field.size);
    described["constant"] = field.constant;
    described["doc"] = field.doc;
    if (field.record != nullptr) {
      described["record"] = field.record->name;
    }
    fields[index++] = described;
  }
  object["fields"] = fields;
  return object;
}

Napi::Array schemaArray(Napi::Env env) {
  const netlink::Record* const records[] = {
      &ipvs::serviceRecord,          &ipvs::destinationRecord, &ipvs::statisticsRecord,  &ipvs::infoRecord,
      &ipvs::timeoutsRecord,         &ipvs::daemonRecord,      &nftables::elementRecord, &nftables::foundMarkRecord,
      &nftables::tracedPacketRecord, &nftables::traceRecord,   &ipvs::connectionRecord};
  auto schema = Napi::Array::New(env, std::size(records));
  uint32_t index = 0;
  for (const netlink::Record* record : records) {
    schema[index++] = recordObject(env, *record);
  }
  return schema;
}

Napi::Object operationsObject(Napi::Env env) {
  auto operations = Napi::Object::New(env);
  for (const ipvs::Command& command : ipvs::commands) {
    operations[command.name] = Napi::Number::New(env, static_cast<uint32_t>(command.operation));
  }
  return operations;
}

Napi::Object numbersObject(Napi::Env env) {
  static constexpr netlink::Named items[] = {{"unusual", ipvs::unusualItem}};
  static constexpr netlink::NamedGroup groups[] = {{"connectionGroupFields", ipvs::groupFieldNames},
                                                   {"connectionKinds", ipvs::connectionKindNames},
                                                   {"connectionOrigins", ipvs::originNames},
                                                   {"connectionTemplates", ipvs::templatesNames},
                                                   {"items", items},
                                                   {"markPlaces", nftables::placeNames},
                                                   {"settings", ipvs::settingNames},
                                                   {"traceOutcomes", nftables::outcomeNames},
                                                   {"tracePaths", nftables::pathNames}};
  auto numbers = Napi::Object::New(env);
  for (const netlink::NamedGroup& group : groups) {
    auto named = Napi::Object::New(env);
    for (const netlink::Named& each : group.numbers) {
      named[each.name] = Napi::Number::New(env, each.number);
    }
    numbers[group.name] = named;
  }
  return numbers;
}

// Names of connection states, indexed by the numbers in rows.
Napi::Array statesArray(Napi::Env env) {
  auto states = Napi::Array::New(env, std::size(ipvs::stateNames));
  for (uint32_t code = 0; code < std::size(ipvs::stateNames); ++code) {
    states[code] = Napi::String::New(env, ipvs::stateNames[code].data(), ipvs::stateNames[code].size());
  }
  return states;
}

// describe(attributes: Uint8Array): annotated hex
Napi::Value describe(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const auto* data = reinterpret_cast<const std::byte*>(bytes.Data());
  return Napi::String::New(info.Env(), netlink::describe(ipvs::requestRecords, {data, bytes.ElementLength()}));
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports["Namespace"] = defineNamespace(env);
  exports["IpvsSession"] = defineIpvsSession(env);
  exports["MarksSession"] = defineMarksSession(env);
  exports["ConnectionReader"] = defineConnectionReader(env);
  exports["packItems"] = definePackItems(env);
  exports["openSocket"] = defineOpenSocket(env);
  exports["sendToPath"] = defineSendToPath(env);
  exports["connectionStates"] = statesArray(env);
  exports["schema"] = schemaArray(env);
  exports["operations"] = operationsObject(env);
  exports["numbers"] = numbersObject(env);
  exports["describe"] = Napi::Function::New(env, describe, "describe");
  return exports;
}

} // namespace
} // namespace addon

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return addon::init(env, exports); }
NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
