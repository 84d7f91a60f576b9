{
  "includes": ["native/sources.gypi"],
  "targets": [{
    "target_name": "ipvs",
    "sources": ["<@(core_sources)", "<@(addon_sources)"],
    "include_dirs": ["native"],
    "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except_all"],
    "defines": ["<@(addon_defines)"],
    "cflags_cc!": ["-std=gnu++17"],
    "cflags_cc": ["-std=gnu++20", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "<@(warning_cflags)", "<@(hardening_cflags)"],
    "ldflags": ["<@(hardening_ldflags)", "-Wl,--gc-sections"],
    "cflags": ["-ffunction-sections", "-fdata-sections"]
  }]
}
