// Counts the parts of a reply while it is typed, with usual values in the place of placeholders. The gateway counts again
// when the form is sent, and its count is the one that holds (gateway/rules/message_parts.py).
(() => {
  "use strict";
  const count = document.getElementById("count");
  const box = document.getElementById("f-text");
  if (!count || !box) return;
  const usual = JSON.parse(count.dataset.usual);
  const basic = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
  const twice = new Set("^{}\\[~]|€\f");
  const plain = { "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "\u00a0": " " };
  const folded = (text) => [...text].map((one) => plain[one] ?? one).join("");
  const cost = (one, gsm) => (gsm ? (twice.has(one) ? 2 : 1) : one.length);

  // No letter is torn apart: one that does not fit goes to the next part.
  function parts(text, gsm) {
    const letters = [...text];
    const whole = letters.reduce((sum, one) => sum + cost(one, gsm), 0);
    const [single, several] = gsm ? [160, 153] : [70, 67];
    if (whole <= single) return [1, single - whole];
    let number = 1;
    let used = 0;
    for (const one of letters) {
      if (used + cost(one, gsm) > several) {
        number += 1;
        used = 0;
      }
      used += cost(one, gsm);
    }
    return [number, several - used];
  }

  function show() {
    const filled = box.value.trim().replace(/\{(\w+)\}/g, (all, name) => usual[name] ?? all);
    const cheap = folded(filled);
    const gsm = [...cheap].every((one) => basic.has(one) || twice.has(one));
    const [number, left] = parts(gsm ? cheap : filled, gsm);
    count.textContent = count.dataset.said.replace("%p", number).replace("%l", left).replace("%e", gsm ? "GSM-7" : "UCS-2");
    count.classList.toggle("over", number > Number(count.dataset.most));
  }
  box.addEventListener("input", show);
  show();
})();
