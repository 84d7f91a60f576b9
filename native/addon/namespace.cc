// binding.Namespace: the network namespace of a handle, for all its sessions.
#include "addon/sessions.h"

namespace addon {
namespace {

class Namespace : public Napi::ObjectWrap<Namespace> {
public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Namespace", {InstanceMethod<&Namespace::close>("close")});
  }

  // new Namespace(path: string). Opens nothing yet.
  explicit Namespace(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<Namespace>(info),
        namespace_(std::make_shared<netlink::Namespace>(info[0].As<Napi::String>().Utf8Value())) {}

  [[nodiscard]] const std::shared_ptr<netlink::Namespace>& get() const { return namespace_; }

private:
  void close(const Napi::CallbackInfo& /*info*/) { namespace_->close(); }

  std::shared_ptr<netlink::Namespace> namespace_;
};

} // namespace

std::shared_ptr<netlink::Namespace> namespaceIn(const Napi::Value& value) {
  return Namespace::Unwrap(value.As<Napi::Object>())->get();
}

Napi::Function defineNamespace(Napi::Env env) { return Namespace::define(env); }

} // namespace addon
