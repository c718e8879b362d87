"use strict";
// Asks what the pictures in the JSON block "quiz" show, and hands out the answers as a file. Texts go in as
// text, never as markup; nothing is sent or loaded.
(function () {
  const quiz = JSON.parse(document.getElementById("quiz").textContent);
  const at = (id) => document.getElementById(id);
  const FEW = 24; // so many classes are all shown; of more those that are searched for
  const MOST = 40;
  const answers = new Map(); // question -> {label, seconds}
  let place = 0;
  let since = 0;
  let saved = true;

  function show(id) {
    ["start", "ask", "end"].forEach((one) => (at(one).hidden = one !== id));
  }

  function button(text, label) {
    const made = document.createElement("button");
    made.type = "button";
    made.dir = "auto";
    made.textContent = text;
    made.setAttribute("aria-pressed", String(answered() === label));
    made.addEventListener("click", () => answer(label));
    return made;
  }

  function answered() {
    const known = answers.get(quiz.questions[place].id);
    return known === undefined ? undefined : known.label;
  }

  // Every word must be somewhere in the name.
  function list() {
    const names = quiz.choices[quiz.questions[place].choices];
    const words = at("search").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const many = names.length > FEW;
    let hits = names.filter((name) => words.every((w) => name[1].toLocaleLowerCase().includes(w)));
    if (many && !words.length) hits = names.filter((name) => name[0] === answered());
    at("search-line").hidden = !many;
    at("choices").replaceChildren(...hits.slice(0, MOST).map((name) => button(name[1], name[0])));
    const more = hits.length - MOST;
    at("found").textContent = more > 0 ? more + " more; search for more of the name" : "";
    if (words.length && !hits.length) at("found").textContent = "no class is called that";
  }

  function ask() {
    if (place >= quiz.questions.length) return finish();
    show("ask");
    at("place").textContent = "Picture " + (place + 1) + " of " + quiz.questions.length;
    at("picture").src = quiz.questions[place].uri;
    at("picture").alt = "picture " + (place + 1) + ", of which only some pixels are left";
    at("search").value = "";
    at("none").setAttribute("aria-pressed", String(answered() === null));
    at("back").disabled = place === 0;
    list();
    at(at("search-line").hidden ? "choices" : "search").focus(); // for those who use the keyboard
    since = performance.now();
  }

  // A thousand classes have names that begin alike: enter takes the only one that is left.
  at("search").addEventListener("keydown", function (event) {
    const left = at("choices").children;
    if (event.key === "Enter" && left.length === 1) left[0].click();
  });
  at("search").addEventListener("input", list);

  function answer(label) {
    const seconds = Math.round((performance.now() - since) / 100) / 10;
    answers.set(quiz.questions[place].id, { label: label, seconds: seconds });
    saved = false;
    place += 1;
    ask();
  }

  function finish() {
    show("end");
    const left = quiz.questions.length - answers.size;
    at("sum").textContent =
      "You have answered " + answers.size + " of " + quiz.questions.length + " questions" +
      (left ? "; those left out do not count." : ".");
    at("save").disabled = answers.size === 0;
    at(answers.size ? "save" : "on").focus();
  }

  function sign() {
    const given = at("who").value.trim();
    if (given) return given;
    const bytes = crypto.getRandomValues(new Uint8Array(4));
    return (at("who").value = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""));
  }

  function save() {
    const sheet = {
      roadworthy: "answers",
      version: 1,
      quiz: quiz.quiz,
      who: sign(),
      answers: Array.from(answers, ([question, one]) => ({ question: question, ...one })),
    };
    const text = JSON.stringify(sheet, null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "answers-" + (sheet.who.replace(/[^\p{L}\p{N}]+/gu, "-") || "quiz") + ".json";
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    saved = true;
  }

  // Every pixel as large as every other.
  at("picture").addEventListener("load", function () {
    const own = at("picture").naturalWidth;
    at("picture").style.width = own * Math.max(1, Math.round(384 / own)) + "px";
  });
  at("begin").addEventListener("click", ask);
  at("none").addEventListener("click", () => answer(null));
  at("back").addEventListener("click", function () {
    place -= 1;
    ask();
  });
  at("stop").addEventListener("click", finish);
  at("on").addEventListener("click", function () {
    const open = quiz.questions.findIndex((one) => !answers.has(one.id));
    place = open >= 0 ? open : quiz.questions.length - 1;
    ask();
  });
  at("save").addEventListener("click", save);
  window.addEventListener("beforeunload", function (event) {
    if (!saved) event.preventDefault();
  });
  show("start");
})();
