// Counts the parts of a text while it is typed; the server counts again. 3GPP TS 23.038 and 23.040, as rules/message_parts.
(() => {
  "use strict";
  document.querySelectorAll("output[data-parts]").forEach((output) => {
    const box = document.getElementById(output.dataset.for);
    const basic = new Set(output.dataset.basic + "\n\r");
    const extension = new Set(output.dataset.extension + "\f");
    const say = () => {
      const text = box.value.trim();
      if (!text) return void (output.textContent = "");
      const signs = [...text];
      const gsm = signs.every((sign) => basic.has(sign) || extension.has(sign));
      const units = gsm ? signs.reduce((sum, sign) => sum + (extension.has(sign) ? 2 : 1), 0) : text.length;
      const [alone, joined] = gsm ? [160, 153] : [70, 67];
      const parts = units <= alone ? 1 : Math.ceil(units / joined);
      const left = parts === 1 ? alone - units : parts * joined - units;
      const words = parts === 1 ? output.dataset.one : output.dataset.many;
      output.textContent = words.replace("#n", parts).replace("#e", gsm ? "GSM-7" : "UCS-2").replace("#l", left);
    };
    box.addEventListener("input", say);
  });
})();
