// A real SMSC on the npm package "smpp": takes one transceiver, tells on stdout what it takes, sends what stdin asks for.
const smpp = require("smpp");
let taken = 0;
let session = null;
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const server = smpp.createServer((one) => {
  one.on("bind_transceiver", (pdu) => {
    const good = pdu.system_id === "jalsa" && pdu.password === "secret";
    one.send(pdu.response({ command_status: good ? 0 : 0x0e }));
    if (good) { session = one; say({ bound: true }); }
  });
  one.on("submit_sm", (pdu) => {
    const id = (0xb000 + taken++).toString(16);
    one.send(pdu.response({ message_id: id }));
    const udh = pdu.short_message.udh;
    say({
      to: pdu.destination_addr, from: pdu.source_addr, words: pdu.short_message.message, coding: pdu.data_coding,
      part: udh ? JSON.parse(JSON.stringify(udh)) : null, receipt: pdu.registered_delivery, id,
    });
    if (pdu.registered_delivery) {
      one.deliver_sm({
        source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
        short_message: `id:${id} sub:001 dlvrd:001 submit date:2603021200 done date:2603021201 stat:DELIVRD err:000 text:`,
        receipted_message_id: id, message_state: 2,
      }, (answer) => say({ receipt_answer: answer.command_status }));
    }
  });
  one.on("unbind", (pdu) => one.send(pdu.response()));
  one.on("enquire_link", (pdu) => one.send(pdu.response()));
  one.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  const udh = asked.udh ? Buffer.from(asked.udh, "hex") : undefined;
  const words = udh ? { udh, message: asked.words } : asked.words;
  session.deliver_sm({
    source_addr: asked.from, source_addr_ton: 1, source_addr_npi: 1, destination_addr: "80022", short_message: words,
    esm_class: udh ? 0x40 : 0,
  }, (answer) => say({ answer: answer.command_status, asked: asked.words }));
});
