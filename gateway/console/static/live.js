// Keeps pages up to date: an element with data-live names an address of server-sent events, whose fragments are swapped
// in by id. What a person is typing, their focus and their place on the page stay. Without this script pages are pages.
(() => {
  "use strict";
  const says = document.getElementById("live-says");
  const lost = document.getElementById("live-lost");
  const parser = document.createElement("template");
  const waiting = new Map();

  const tell = (words) => {
    lost.textContent = words || "";
    lost.hidden = !words;
  };
  const written = (html) => {
    parser.innerHTML = html;
    return parser.innerHTML;
  };
  const busy = (element) => {
    const active = document.activeElement;
    return active && element.contains(active) && active.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
  };
  const edited = (element) =>
    [...element.querySelectorAll("input:not([type=hidden]), textarea")].some((one) =>
      one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue);
  // A button that is exchanged between press and release is never clicked; what was sent from here is on its way.
  let pressed = null;
  const acting = (element) => (pressed && element.contains(pressed)) || element.querySelector("form[data-sent]") !== null;
  // What was refused stands with its reason and with what was given; what is up to date has neither.
  const refused = (element) => element.querySelector("[role=alert][autofocus], [aria-invalid=true]") !== null;

  function swap(id, html) {
    const element = document.getElementById(id);
    if (!element || written(html) === element.innerHTML) return;
    if (busy(element) || edited(element) || refused(element) || acting(element)) {
      waiting.set(id, html); // it comes when the person has left the field, or let go
      return;
    }
    waiting.delete(id);
    const active = document.activeElement;
    const inside = active && active !== element && element.contains(active);
    const mark = inside && (active.id ? "#" + CSS.escape(active.id) : active.getAttribute("href") && `[href="${CSS.escape(active.getAttribute("href"))}"]`);
    const open = [...element.querySelectorAll("details[open][id]")].map((one) => one.id);
    const scrolled = [window.scrollX, window.scrollY, element.scrollLeft, element.scrollTop];
    element.innerHTML = html;
    open.forEach((one) => document.getElementById(one)?.setAttribute("open", ""));
    if (mark) element.querySelector(mark)?.focus({ preventScroll: true });
    element.scrollLeft = scrolled[2];
    element.scrollTop = scrolled[3];
    window.scrollTo(scrolled[0], scrolled[1]);
    element.classList.remove("fresh");
    void element.offsetWidth;
    element.classList.add("fresh");
    const announced = element.querySelector("[data-announce]");
    if (announced) says.textContent = announced.dataset.announce;
    element.dispatchEvent(new CustomEvent("live:swapped", { bubbles: true }));
  }

  function watch(address) {
    let source = null;
    let failures = 0;
    let timer = 0;
    let ended = false;
    const close = () => {
      clearTimeout(timer);
      source?.close();
      source = null;
    };
    const open = () => {
      if (source || ended || document.hidden) return;
      source = new EventSource(address);
      source.addEventListener("fragments", (event) => {
        failures = 0;
        tell("");
        for (const [id, html] of Object.entries(JSON.parse(event.data))) swap(id, html);
      });
      source.addEventListener("end", () => {
        ended = true;
        close();
        tell(lost.dataset.ended);
      });
      source.addEventListener("later", () => again());
      source.onerror = () => again();
    };
    const again = () => {
      close();
      failures += 1;
      if (failures > 1) tell(lost.dataset.lost);
      const pause = Math.min(60, 2 ** failures) * (0.75 + Math.random() / 2);
      timer = setTimeout(open, pause * 1000);
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    window.addEventListener("pagehide", close);
    window.addEventListener("pageshow", (event) => event.persisted && open());
    open();
  }

  const catchUp = () => [...waiting].forEach(([id, html]) => swap(id, html));
  let releasing = 0;
  const press = (event) => {
    clearTimeout(releasing);
    pressed = event.target;
  };
  const release = () => {
    clearTimeout(releasing);
    releasing = setTimeout(() => { // after the click that comes of it, on a touch screen too
      pressed = null;
      catchUp();
    }, 300);
  };
  document.addEventListener("focusout", () => setTimeout(catchUp));
  document.addEventListener("pointerdown", press, true);
  document.addEventListener("pointerup", release, true);
  document.addEventListener("pointercancel", release, true);
  // A second click on a button does nothing while the first is on its way; the server would refuse it too.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 8000);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((one) => delete one.dataset.sent));
  // Only one sheet of the frame is open, and Escape or a click beside it closes it.
  const sheets = () => document.querySelectorAll(".top details[open], .menu details[open]");
  document.addEventListener("click", (event) => sheets().forEach((one) => one.contains(event.target) || one.removeAttribute("open")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    sheets().forEach((one) => {
      one.removeAttribute("open");
      one.querySelector("summary").focus();
    });
  });
  new Set([...document.querySelectorAll("[data-live]")].map((one) => one.dataset.live)).forEach(watch);
})();
