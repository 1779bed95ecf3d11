// Modbus over TCP (Modbus Application Protocol V1.1b3): a request and its answer are a transaction.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/modbus_rule.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

using namespace modbus;

constexpr std::size_t kMostTransactions = 512, kHeader = 8, kLongest = 254;  // RFC-less: 253 bytes and the unit

struct Function {
  std::uint8_t code;
  std::string_view name;
};
constexpr Function kFunctions[] = {
    {1, "RdCoils"},          {2, "RdDiscreteInputs"}, {3, "RdHoldRegs"},   {4, "RdInputRegs"},
    {5, "WrSingleCoil"},     {6, "WrSingleReg"},      {7, "RdExcStatus"},  {8, "Diagnostic"},
    {11, "GetCommEventCtr"}, {12, "GetCommEventLog"}, {15, "WrMultCoils"}, {16, "WrMultRegs"},
    {17, "ReportServerID"},  {20, "RdFileRec"},       {21, "WrFileRec"},   {22, "MaskWrReg"},
    {23, "RdWrMultRegs"},    {24, "RdFIFOQueue"},     {43, "MEI"}};
constexpr Function kExceptions[] = {{1, "IllegalFunction"},
                                    {2, "IllegalDataAddr"},
                                    {3, "IllegalDataValue"},
                                    {4, "ServerDeviceFail"},
                                    {5, "Ack"},
                                    {6, "ServerDeviceBusy"},
                                    {7, "NegAck"},
                                    {8, "MemParityErr"},
                                    {10, "GatewayPathUnavailable"},
                                    {11, "GatewayTargetFailToResp"}};
constexpr Function kDiagnostics[] = {
    {0, "RetQueryData"},         {1, "RestartCommOpt"},          {2, "RetDiagReg"},
    {3, "ChangeInputDelimiter"}, {4, "ForceListenOnlyMode"},     {10, "ClearCtrDiagReg"},
    {11, "RetBusMsgCount"},      {12, "RetBusCommErrCount"},     {13, "RetBusExcErrCount"},
    {14, "RetServerMsgCount"},   {15, "RetServerNoRespCount"},   {16, "RetServerNAKCount"},
    {17, "RetServerBusyCount"},  {18, "RetBusCharOverrunCount"}, {20, "ClearOverrunCounterFlag"}};

std::string name_in(std::span<const Function> names, std::uint16_t code) {
  const auto found = std::ranges::find(names, code, &Function::code);
  return found == names.end() ? "Unknown" : std::string(found->name);
}

void write_access(EveObject& out, const Message& message) {
  std::string text;
  const auto add = [&](bool is_so, std::string_view name) {
    if (is_so) text += fmt::format("{}{}", text.empty() ? "" : " | ", name);
  };
  add(message.reads, "READ");
  add(message.writes, "WRITE");
  add(message.table == Table::kDiscretes, "DISCRETES");
  add(message.table == Table::kCoils, "COILS");
  add(message.table == Table::kInput, "INPUT");
  add(message.table == Table::kHolding, "HOLDING");
  add(message.is_single, "SINGLE");
  add(message.is_multiple, "MULTIPLE");
  out.text("access_type", text.empty() ? "NONE" : text);
}

void write(EveObject& out, const char* name, const Message& message) {
  out.open(name);
  out.number("transaction_id", message.id);
  out.number("protocol_id", message.protocol);
  out.number("unit_id", message.unit);
  out.number("function_raw", message.function);
  out.text("function_code", name_in(kFunctions, message.function));
  write_access(out, message);
  const Category category = category_of(message.function);
  out.text("category", category == Category::kAssigned     ? "PUBLIC_ASSIGNED"
                       : category == Category::kUnassigned ? "PUBLIC_UNASSIGNED"
                       : category == Category::kUser       ? "USER_DEFINED"
                                                           : "RESERVED");
  out.text("error_flags", message.error.empty() ? "NONE" : message.error);
  if (message.exception) {
    out.open("exception");
    out.number("raw", *message.exception);
    out.text("code", name_in(kExceptions, *message.exception));
    out.close();
  } else if (message.subfunction) {
    const bool is_diagnostic = message.function == 8;
    out.open(is_diagnostic ? "diagnostic" : "mei");
    out.number("raw", *message.subfunction);
    out.text("code", is_diagnostic                ? name_in(kDiagnostics, *message.subfunction)
                     : *message.subfunction == 14 ? "RdDevId"
                     : *message.subfunction == 13 ? "CANOpenGenRefReqResp"
                                                  : "Unknown");
    out.text("data", printable_of(message.data));
    out.close();
  } else if (message.read || message.write || message.has_read_data) {
    if (message.read) {
      out.open("read");
      out.number("address", message.read->first);
      out.number("quantity", message.read->second);
      out.close();
    } else if (message.has_read_data) {
      out.open("read");
      out.text("data", printable_of(message.data));
      out.close();
    }
    if (message.write) {
      out.open("write");
      out.number("address", message.write->first);
      out.number("data", message.write->second);
      out.close();
    }
  } else if (!message.data.empty()) {
    out.text("data", printable_of(message.data));
  }
  out.close();
}

class ModbusTransaction final : public Transaction {
 public:
  Value value(int field, Side, std::size_t index) const override {
    return field == 0 && index == 0 && request ? whole_number(request->function) : absent_value();
  }
  std::optional<bool> holds(int, Side, std::span<const std::string> words) const override {
    return request && modbus::holds(words, *request);
  }
  std::string eve() const override {
    EveObject out;
    out.open("modbus");
    out.number("id", id + 1);
    if (request) write(out, "request", *request);
    if (response) write(out, "response", *response);
    out.close();
    return out.take();
  }
  void finish(Side side) {
    progress[static_cast<int>(side)] = kComplete;
    changed();
  }

  std::optional<Message> request, response;
};

class ModbusParser final : public Parser {
 public:
  bool take(Side side, Bytes bytes, Timestamp time) override {
    std::string& pending = pending_[static_cast<int>(side)];
    pending.append(text_of(bytes));
    std::size_t done = 0;
    while (pending.size() - done >= kHeader) {
      Reader reader(bytes_of(std::string_view(pending).substr(done)));
      Message message;
      message.id = reader.u16();
      message.protocol = reader.u16();
      const std::size_t length = reader.u16();
      if (length < 2 || length > kLongest) {
        begin(time).event("modbus.invalid_length");
        finish_all();
        return false;
      }
      if (reader.left() < length) break;
      const Bytes body = reader.bytes(length);
      done += 6 + length;
      read_body(body, side == Side::kToServer, message);
      take_message(side, std::move(message), time);
    }
    pending.erase(0, done);
    return true;
  }
  bool skip(Side, std::uint64_t, Timestamp) override { return false; }
  void end(Side, Timestamp) override { finish_all(); }

 private:
  ModbusTransaction& begin(Timestamp time) {
    if (transactions.size() >= kMostTransactions) tell_last("modbus.flooded");
    keep(std::make_unique<ModbusTransaction>(), time, kMostTransactions);
    return static_cast<ModbusTransaction&>(*transactions.back());
  }
  void finish_all() {
    for (const auto& one : transactions) {
      for (const Side side : {Side::kToServer, Side::kToClient}) {
        if (!one->is_complete(side)) static_cast<ModbusTransaction&>(*one).finish(side);
      }
    }
  }

  void take_message(Side side, Message message, Timestamp time) {
    ModbusTransaction* of = nullptr;
    std::string_view event;
    if (side == Side::kToClient) {
      for (const auto& one : transactions) {
        auto& asked = static_cast<ModbusTransaction&>(*one);
        if (asked.request && !asked.response && asked.request->id == message.id) of = &asked;
      }
      if (of == nullptr)
        event = "modbus.unsolicited_response";
      else if (message.function != of->request->function || !fits(*of->request, message))
        event = "modbus.value_mismatch";
    }
    if (of == nullptr) of = &begin(time);
    for (const auto& [error, name] :
         {std::pair("PROTO_ID", "modbus.invalid_protocol_id"), std::pair("FUNC_CODE", "modbus.invalid_function_code"),
          std::pair("DATA_VALUE", "modbus.invalid_value"), std::pair("EXC_CODE", "modbus.invalid_exception_code"),
          std::pair("DATA_LENGTH", "modbus.invalid_length")}) {
      if (message.error.find(error) != std::string::npos) of->event(name);
    }
    if (!event.empty()) of->event(event);
    const bool is_answerless = of->request == std::nullopt && side == Side::kToClient;
    (side == Side::kToServer ? of->request : of->response) = std::move(message);
    of->finish(side);
    if (is_answerless) of->finish(Side::kToServer);
  }

  std::string pending_[2];
};

class Modbus final : public Protocol {
 public:
  std::string_view name() const override { return "modbus"; }
  int field(std::string_view keyword) const override { return keyword == "modbus" ? 0 : -1; }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::string_view ports(bool is_udp) const override { return is_udp ? "" : "502"; }
  Probe recognise_on_port(const Beginning& beginning) const override {
    if (beginning.is_udp) return Probe::kNo;
    if (beginning.bytes.size() < kHeader) return Probe::kMore;
    Reader reader(beginning.bytes);
    reader.u16();
    const std::uint16_t protocol = reader.u16(), length = reader.u16();
    return protocol == 0 && length >= 2 && length <= kLongest ? Probe::kYes : Probe::kNo;
  }
  std::unique_ptr<Parser> parser(const Options&) const override { return std::make_unique<ModbusParser>(); }
};

}  // namespace

const Protocol& modbus_protocol() {
  static const Modbus protocol;
  return protocol;
}

}  // namespace tocsin::protocol
