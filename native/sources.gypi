{
  "variables": {
    "core_sources": [
      "native/netlink/buffer.cc",
      "native/netlink/record.cc",
      "native/netlink/describe.cc",
      "native/netlink/message.cc",
      "native/netlink/socket.cc",
      "native/netlink/channel.cc",
      "native/netlink/family.cc",
      "native/ipvs/session.cc",
      "native/ipvs/keys.cc",
      "native/ipvs/read.cc",
      "native/ipvs/snapshot.cc",
      "native/ipvs/patch.cc",
      "native/ipvs/clone.cc",
      "native/ipvs/item_fields.cc",
      "native/ipvs/plain_items.cc",
      "native/ipvs/connection_line.cc",
      "native/ipvs/connection_filter.cc",
      "native/ipvs/read_ahead.cc",
      "native/ipvs/connection_reader.cc",
      "native/ipvs/connection_groups.cc",
      "native/ipvs/connection_difference.cc",
      "native/nftables/message.cc",
      "native/nftables/user_data.cc",
      "native/nftables/fields.cc",
      "native/nftables/legacy_target.cc",
      "native/nftables/meaning.cc",
      "native/nftables/rules.cc",
      "native/nftables/found.cc",
      "native/nftables/export.cc",
      "native/nftables/bridge.cc",
      "native/nftables/expressions.cc",
      "native/nftables/objects.cc",
      "native/nftables/elements.cc",
      "native/nftables/marks.cc",
      "native/nftables/apply.cc"
    ],
    "addon_sources": [
      "native/addon/addon.cc",
      "native/addon/worker.cc",
      "native/addon/reply.cc",
      "native/addon/sessions.cc",
      "native/addon/ipvs_session.cc",
      "native/addon/marks_session.cc",
      "native/addon/pack_items.cc",
      "native/addon/connections.cc",
      "native/addon/connection_options.cc"
    ],
    "addon_defines": [
      "NAPI_VERSION=8",
      "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
      "NODE_ADDON_API_DISABLE_DEPRECATED",
      "NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS"
    ],
    "warning_cflags": ["-Wall", "-Wextra"],
    "hardening_cflags": [
      "-O2",
      "-U_FORTIFY_SOURCE",
      "-D_FORTIFY_SOURCE=3",
      "-D_GLIBCXX_ASSERTIONS",
      "-fstack-protector-strong",
      "-fstack-clash-protection",
      "-ftrivial-auto-var-init=zero"
    ],
    "hardening_ldflags": ["-Wl,-z,relro", "-Wl,-z,now", "-Wl,-z,noexecstack"]
  }
}
