// The cards of the gallery, made from data. Texts of strangers become text nodes: nothing here parses HTML.
"use strict";
{
  const $ = (id) => document.getElementById(id);
  const index = JSON.parse($("index").textContent);
  const { names } = index, total = index.keys.length;
  const plain = (name) => name.replaceAll("_", " ");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** An element: `make("a.link", {href}, "text", child)`. `on...` are listeners, the rest attributes. */
  function make(what, attributes = {}, ...children) {
    const [tag, ...classes] = what.split(".");
    return fill(document.createElement(tag), attributes, classes, children);
  }
  function draw(what, attributes = {}, ...children) {  // the same for SVG
    const [tag, ...classes] = what.split(".");
    return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, classes, children);
  }
  function fill(node, attributes, classes, children) {
    for (const name of classes) node.classList.add(name);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.flat().filter((child) => child != null && child !== false));
    return node;
  }

  // --- samples: in the page itself, or in scripts beside it ---------------------------------------------

  const chunks = new Map();  // number -> promise of cards; the least recently used go first
  const waiting = new Map();
  window.chunk = (number, cards) => waiting.get(number)?.(cards);

  function load(number) {
    let cards = chunks.get(number);
    chunks.delete(number);
    cards ??= index.folder ? loadScript(number) : Promise.resolve(JSON.parse($(`chunk-${number}`).textContent));
    chunks.set(number, cards);
    if (chunks.size > 8) chunks.delete(chunks.keys().next().value);
    return cards;
  }

  function loadScript(number) {
    return new Promise((resolve, reject) => {
      const done = (then) => (value) => { waiting.delete(number); script.remove(); then(value); };
      const script = make("script", {
        src: `${index.folder}/${String(number).padStart(5, "0")}.js`,
        onerror: done(() => { chunks.delete(number); reject(new Error("missing")); }),
      });
      waiting.set(number, done(resolve));
      document.head.append(script);
    });
  }

  // --- what is shown: filters, pages, the current sample --------------------------------------------------

  const chosen = { kind: new Set(), family: new Set(), background: new Set(), object: new Set(), split: new Set() };  // empty lets all through
  const view = { overlays: new Set(), answers: false, drawing: "3d", turning: !calm.matches };
  const given = new Map();  // question id -> the option that was chosen
  let matches = [], page = 0, current = 0;  // sample numbers; which page; place on the page
  const pages = () => Math.max(1, Math.ceil(matches.length / index.chunk));
  const cards = () => [...$("cards").children];
  const words = index.keys.map(() => "");  // what the search looks at, made when first needed

  function fits(sample, wanted) {
    for (const group of ["family", "background", "split", "object"]) {
      if (chosen[group].size && !chosen[group].has(index[group][sample])) return false;
    }
    if (chosen.kind.size && !index.kind_sets[index.kinds[sample]].some((kind) => chosen.kind.has(kind))) return false;
    if (!wanted.length) return true;
    const thing = names.object[index.object[sample]];
    words[sample] ||= `${thing.title} ${thing.category} ${thing.author} ${thing.uid} ${index.keys[sample]}`.toLowerCase();
    return wanted.every((word) => words[sample].includes(word));
  }

  function filter() {
    const wanted = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    matches = [];
    for (let sample = 0; sample < total; sample++) if (fits(sample, wanted)) matches.push(sample);
    for (const menu of document.querySelectorAll(".menu")) labelMenu(menu);
    const filtered = wanted.length || Object.values(chosen).some((set) => set.size);
    $("clear").hidden = !filtered;
    $("shown").value = filtered ? `${count(matches.length)} of ${count(total)}` : count(total, "sample");
    $("empty").hidden = matches.length > 0;
  }
  const count = (n, word) => n.toLocaleString("en") + (word ? ` ${word}${n === 1 ? "" : "s"}` : "");

  function refilter() { filter(); showPage(0); }

  /** Show a page of the matching samples: frames at once, each card when its data is there. */
  function showPage(number, at = 0) {
    page = Math.min(Math.max(number, 0), pages() - 1);
    const samples = matches.slice(page * index.chunk, (page + 1) * index.chunk);
    const frames = samples.map((sample) => make("article.card", { id: `s-${index.keys[sample]}`, "aria-busy": "true", "aria-label": `Sample ${index.keys[sample]}` },
      make("p.wait", {}, "Loading …")));
    $("cards").replaceChildren(...frames);
    fillAll(samples, frames, at);
    $("page").value = page + 1;
    $("page").max = pages();
    $("pages").textContent = $("pages-below").textContent = `of ${count(pages())}`;
    for (const side of ["", "-below"]) {
      $(`previous${side}`).disabled = page === 0;
      $(`next${side}`).disabled = page >= pages() - 1;
    }
    document.querySelector(".below").hidden = pages() === 1;
    select(Math.min(at, samples.length - 1), false);
  }

  /** One card at a time, the wanted one first, and a breath between: what is to be seen is painted before the rest is made. */
  async function fillAll(samples, frames, first) {
    const order = [...samples.keys()];
    order.unshift(...order.splice(first, 1));
    for (const i of order) {
      const loaded = await load(Math.floor(samples[i] / index.chunk)).catch(() => null);
      if (!frames[i].isConnected) return;
      if (loaded) fillCard(frames[i], loaded[samples[i] % index.chunk]);
      else frames[i].replaceChildren(make("p.wait", {}, `The pictures are missing: the folder ${decodeURIComponent(index.folder)} belongs beside this page. Or the gallery was made anew since: load the page again.`));
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  /** Make a card of this page the current one. */
  function select(place, move = true) {
    current = Math.max(place, 0);
    cards().forEach((card, i) => { card.toggleAttribute("data-current", i === current); });
    const card = cards()[current];
    if (!card) return;
    markNext();
    if (move) {
      history.replaceState(null, "", `#${card.id.slice(2)}`);
      card.scrollIntoView({ block: "start", behavior: "instant" });
      $("said").textContent = `Sample ${card.id.slice(2)}, ${page * index.chunk + current + 1} of ${matches.length}`;
    }
    wake();
  }

  function step(by) {
    const place = current + by;
    if (place >= 0 && place < cards().length) select(place);
    else if (by > 0 && page < pages() - 1) { showPage(page + 1); select(0); }
    else if (by < 0 && page > 0) { showPage(page - 1, index.chunk - 1); select(current); }
  }

  function turnPage(number) {
    showPage(number);
    document.querySelector(".bar").scrollIntoView({ block: "start", behavior: "instant" });
    select(0, false);
  }

  /** `#KEY` leads to a sample; filters that hide it are cleared. */
  function follow() {
    let key = location.hash.slice(1);
    try { key = decodeURIComponent(key); } catch { /* not encoded */ }
    const sample = index.keys.indexOf(key);
    if (sample < 0) return false;
    if (!matches.includes(sample)) clearFilters();
    const place = matches.indexOf(sample);
    showPage(Math.floor(place / index.chunk), place % index.chunk);
    select(current);
    return true;
  }

  // --- menus -----------------------------------------------------------------------------------------------

  const titles = { kind: "Question", family: "Family", background: "Background", object: "Object", split: "Split" };

  /** [number, name, samples] of everything that a menu offers. */
  function offered(group) {
    const counts = new Array(names[group].length).fill(0);
    if (group === "kind") for (const set of index.kinds) for (const kind of index.kind_sets[set]) counts[kind]++;
    else for (const value of index[group]) counts[value]++;
    const entries = names[group].map((name, i) => [i, name.title ?? plain(name), counts[i], name.title ? name.uid : name]);
    if (group !== "split") entries.sort((a, b) => a[1].localeCompare(b[1], "en"));
    return entries;
  }

  function openMenu(menu) {
    const { group } = menu.dataset, list = menu.querySelector(".list");
    const entries = offered(group), boxes = make("div.entries", { role: "group", "aria-label": titles[group] });
    const show = (text) => {
      const found = entries.filter(([, name]) => name.toLowerCase().includes(text.toLowerCase()));
      boxes.replaceChildren(...found.slice(0, 200).map(([number, name, samples, id]) => make("label", { title: group === "family" ? index.families[id] : group === "object" ? id : null },
        make("input", { type: "checkbox", "data-value": id, checked: chosen[group].has(number), onchange: (event) => {
          chosen[group][event.target.checked ? "add" : "delete"](number);
          refilter();
        } }), make("span", {}, name), make("span.count", {}, count(samples)))));
      if (found.length > 200) boxes.append(make("p.soft", {}, `and ${count(found.length - 200)} more: type a part of the name`));
    };
    show("");
    list.replaceChildren(...(entries.length > 12
      ? [make("input", { type: "search", placeholder: "Part of the name", "aria-label": `Search in ${titles[group]}`, oninput: (event) => show(event.target.value) })]
      : []), boxes);
    list.querySelector("input")?.focus();
  }

  function labelMenu(menu) {
    const { group } = menu.dataset, set = chosen[group], [first] = set;
    const name = set.size === 1 ? names[group][first].title ?? plain(names[group][first]) : `${set.size} chosen`;
    menu.firstElementChild.replaceChildren(make("span", {}, set.size ? name : titles[group]));
    menu.firstElementChild.setAttribute("aria-label", set.size ? `${titles[group]}: ${name}` : titles[group]);
    menu.toggleAttribute("data-chosen", set.size > 0);
  }

  function clearFilters() {
    for (const set of Object.values(chosen)) set.clear();
    $("search").value = "";
    closeMenus();
    filter();
  }
  function closeMenus(except) {
    for (const menu of document.querySelectorAll(".menu[open]")) if (menu !== except) menu.open = false;
  }

  // --- a card ------------------------------------------------------------------------------------------------

  function fillCard(node, card) {
    node.card = card;
    node.removeAttribute("aria-busy");
    const { numbers } = card;
    node.replaceChildren(
      make("div.look", {},
        make("div.pair", {}, card.pictures.map((picture, i) => make("figure", {},
          make("figcaption", {}, make(`i.camera-${i + 1}`), `Image ${i + 1}`),
          make("div.frame", {}, make("div.zoom", {}, image(picture, `Image ${i + 1} of ${card.title}`), overlay(card, i)))))),
        make("p.legend", {}),
        make("div.object", {},
          make("h3", {}, card.link ? make("a", { href: card.link, target: "_blank", rel: "noopener noreferrer nofollow" }, card.title) : card.title),
          make("p.credit", {}, card.credit),
          make("p.tags", {}, make("span.tag", {}, plain(card.family)), " ", make("span", {}, index.families[card.family] ?? ""), " ",
            make("a", { href: `#${card.key}`, title: "Link to this sample" }, `${card.key} · ${card.split}`)))),
      make("div.geometry", {},
        make("div.drawing", {}, tabs(card), make("div.stage")),
        make("table.numbers", { "aria-label": `Numbers of sample ${card.key}` }, Object.entries(numbers).map(([heading, rows]) => make("tbody", {},
          make("tr.head", {}, make("th", { colspan: 3, scope: "rowgroup" }, heading)),
          rows.map(([name, figure, text]) => make("tr.row", {}, make("th", { scope: "row" }, name), make("td.figure", {}, figure), make("td", {}, text))))))),
      make("div.questions", {}, card.questions.map((question) => ask(card, question))),
    );
    dress(node);
    if (node.hasAttribute("data-current")) { markNext(); wake(); }
  }

  const image = (picture, alt) => make("img", { src: `data:image/jpeg;base64,${picture.jpeg}`, width: picture.width, height: picture.height, alt, decoding: "async" });

  /** What depends on switches: overlays, the drawing, which questions and answers are shown. */
  function dress(node) {
    if (!node.card) return;
    const { card } = node, shown = view.overlays;
    for (const layer of node.querySelectorAll(".over")) {
      for (const name of ["boxes", "depth", "covisible"]) layer.classList.toggle(name, shown.has(name));
    }
    node.querySelectorAll(".zoom").forEach((frame, i) => enlarge(frame, shown.has("zoom") ? card.boxes[i] : [0, 0, 1, 1]));
    legend(node.querySelector(".legend"), card);
    const stage = node.querySelector(".stage");
    if (stage.dataset.drawing !== view.drawing) {
      stage.dataset.drawing = view.drawing;
      stage.replaceChildren(view.drawing === "3d" ? space(card) : plan(card, view.drawing));
    }
    for (const tab of node.querySelectorAll(".tabs button")) tab.setAttribute("aria-pressed", tab.value === view.drawing);
    for (const question of node.querySelectorAll(".question")) {
      question.hidden = chosen.kind.size > 0 && !chosen.kind.has(names.kind.indexOf(question.dataset.type));
    }
  }
  const dressAll = () => { cards().forEach(dress); wake(); };

  // --- over the pictures --------------------------------------------------------------------------------------

  const near = [253, 214, 60], middle = [222, 73, 104], far = [70, 20, 130];  // yellow, red, violet: order is seen in grey, too
  function depthColour(share) {
    const [from, to, t] = share < 0.5 ? [near, middle, 2 * share] : [middle, far, 2 * share - 1];
    return `rgb(${from.map((value, i) => Math.round(value + t * (to[i] - value))).join(" ")})`;
  }
  function depthRange(card) {
    const depths = card.points.flatMap((point) => point.depth);
    return [Math.min(...depths), Math.max(...depths)];
  }

  /** An SVG over picture i. In thousandths of its width; classes of the SVG say which layers are seen. */
  function overlay(card, i) {
    const { width, height } = card.pictures[i], high = 1000 * height / width;
    const [left, top, right, bottom] = card.boxes[i], [low, reach] = [depthRange(card)[0], depthRange(card)[1] - depthRange(card)[0]];
    const place = ([x, y]) => [1000 * x, high * y];
    const dots = (i < 2 ? card.points : []).map((point, number) => {
      const [x, y] = place(point.at[i]), seen = point.visible[i], both = point.visible.every((word) => word === "yes");
      const state = seen === "no" ? "hidden" : seen === "unclear" ? "unclear" : both ? "both" : "alone";
      const says = { hidden: "hidden in this picture", unclear: "unclear in this picture", both: "seen in both pictures", alone: "seen in this picture only" }[state];
      return draw(`g.point.${state}`, { "data-point": number, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
        draw("title", {}, `Point ${number + 1}: depth ${point.depth[i].toFixed(2)}, ${says}`),
        draw("circle.deep", { style: `--deep: ${depthColour(reach ? (point.depth[i] - low) / reach : 0.5)}` }),
        draw("circle.mark"), draw("text", {}, `${number + 1}`));
    });
    const parts = card.parts[i].map(({ letter, says, box: [l, t, r, b] }) => draw("g.box.part", {}, draw("title", {}, says),
      draw("rect", { x: (1000 * l).toFixed(1), y: (high * t).toFixed(1), width: (1000 * (r - l)).toFixed(1), height: (high * (b - t)).toFixed(1), rx: 3 }),
      draw("text", { x: (1000 * l + 8).toFixed(1), y: (high * t + 34).toFixed(1) }, letter)));
    return draw("svg.over", { viewBox: `0 0 1000 ${high.toFixed(1)}`, "aria-hidden": "true",
      onpointerover: (event) => pair(event, true), onpointerout: (event) => pair(event, false) },
      draw(`rect.box.camera-${i + 1}`, { x: (1000 * left).toFixed(1), y: (high * top).toFixed(1), width: (1000 * (right - left)).toFixed(1), height: (high * (bottom - top)).toFixed(1), rx: 4 }),
      parts, dots);
  }

  /** Let a box, in shares of the picture, fill the frame with a margin; never beyond the picture's edge. */
  function enlarge(frame, [left, top, right, bottom]) {
    const k = Math.min(Math.max(0.8 / Math.max(right - left, bottom - top, 1e-6), 1), 5);
    const shift = (low, high) => Math.min(Math.max(0.5 - k * (low + high) / 2, 1 - k), 0);
    frame.style.setProperty("--k", k);
    frame.style.transform = k > 1 ? `translate(${100 * shift(left, right)}%, ${100 * shift(top, bottom)}%) scale(${k})` : "";
  }

  /** A point that is pointed at stands out in both pictures. */
  function pair(event, on) {
    const point = event.target.closest(".point");
    if (!point) return;
    for (const twin of point.closest(".pair").querySelectorAll(`[data-point="${point.dataset.point}"]`)) twin.classList.toggle("pointed", on);
  }

  function legend(node, card) {
    const shown = view.overlays, parts = [];
    const both = card.points.filter((point) => point.visible.every((word) => word === "yes")).length;
    if (shown.has("depth") && card.points.length) {
      const [low, high] = depthRange(card);
      const ramp = [0, 0.25, 0.5, 0.75, 1].map(depthColour).join(", ");
      parts.push(make("span", {}, `Depth ${low.toFixed(2)} `, fill(document.createElement("i"), { style: `background: linear-gradient(90deg, ${ramp})` }, ["ramp"], []), ` ${high.toFixed(2)}`));
    }
    if (shown.has("covisible") && card.points.length) {
      parts.push(make("span", {}, make("i.key-both"), `seen in both (${both} of ${card.points.length})`), make("span", {}, make("i.key-alone"), "seen here only"),
        make("span", {}, make("i.key-hidden"), "hidden here"), make("span", {}, make("i.key-unclear"), "unclear"));
    }
    if ((shown.has("depth") || shown.has("covisible")) && !card.points.length) parts.push(make("span", {}, "This sample stores no points of the surface."));
    node.replaceChildren(...parts);
    node.classList.toggle("depth", shown.has("depth"));
    node.hidden = !parts.length;
  }

  // --- plans: numbers come from plans.py ------------------------------------------------------------------------

  function tabs(card) {
    return make("div.tabs", { role: "group", "aria-label": `Drawing of the cameras of ${card.key}` }, [["3d", "3D"], ["top", "Above"], ["side", "Side"]].map(([value, text]) =>
      make("button", { type: "button", value, "aria-pressed": view.drawing === value, onclick: () => { view.drawing = value; dressAll(); } }, text)));
  }

  const spoken = (card) => Object.values(card.numbers)[0].map((row) => row.join(" ")).join(", ");

  function plan(card, which) {
    const it = card.plans[which], [x, y] = it.object;
    const title = which === "top" ? "From above, camera 1 looking up the page." : "From camera 1's right.";
    const point = (p) => p.join(" ");
    const svg = draw("svg.plan", { viewBox: `0 0 ${it.width} ${it.height}`, role: "img", "aria-label": `${title} Camera 2 moved ${spoken(card)}.` },
      which === "top" ? draw("circle.ring", { cx: x, cy: y, r: it.ring_radius }) : draw("line.ring", { x1: 0, x2: it.width, y1: y, y2: y }),
      it.cameras.map((camera, i) => draw(`path.wedge.camera-${i + 1}`, { d: `M${point(camera.position)}L${point(camera.edges[0])}L${point(camera.edges[1])}Z` })),
      draw("circle.thing", { cx: x, cy: y, r: it.object_radius }),
      it.front && draw("line.front", { x1: x, y1: y, x2: x + it.front[0] * (it.object_radius + 9), y2: y + it.front[1] * (it.object_radius + 9), "marker-end": "url(#head)" }),
      it.cameras.map((camera, i) => draw(`g.camera-${i + 1}`, {},
        draw("path.glyph", { d: `M${point(camera.position)}L${point(camera.glyph[0])}L${point(camera.glyph[1])}Z` }),
        draw("circle.dot", { "data-camera": i + 1, cx: camera.position[0], cy: camera.position[1], r: !it.travel && i === 0 ? 5.5 : 3.6 }),
        draw("text", { x: camera.label[0], y: camera.label[1] + 4 }, `${i + 1}`))),
      it.travel && draw("line.travel", { x1: it.travel[0][0], y1: it.travel[0][1], x2: it.travel[1][0], y2: it.travel[1][1], "marker-end": "url(#head)" }));
    const words = which === "top" ? "Camera 1 looks up the page: right is its right." : "Camera 1 looks right.";
    return make("div", {}, svg, make("p", {}, words + (card.cameras.length > 1 && samePlace(card) ? " Both cameras stand in one place." : "")));
  }
  const position = (camera) => camera.pose.map((row) => row[3]);
  const samePlace = (card) => Math.hypot(...position(card.cameras[0]).map((v, i) => v - position(card.cameras[1])[i])) < 1e-3;

  // --- the 3D view ------------------------------------------------------------------------------------------------

  // World: +Z up (docs/conventions.md). The eye looks at `centre` from azimuth `turn` and elevation `tilt`.

  const RADIUS = 0.5;  // of the object: records.OBJECT_RADIUS
  const SWAY = 0.5;  // radians to either side
  const add = (a, b, k = 1) => a.map((v, i) => v + k * b[i]);
  const along = (pose, v) => pose.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);  // camera axes -> world

  function space(card) {
    const canvas = make("canvas", { tabindex: 0, role: "img", "aria-label": `The cameras around the object in 3D. Camera 2 moved ${spoken(card)}.`, title: "Drag to turn; double-click to reset" });
    const ahead = along(card.cameras[0].pose, [0, 0, 1]), down = along(card.cameras[0].pose, [0, 1, 0]);
    const level = Math.hypot(ahead[0], ahead[1]) > 1e-6 ? ahead : down.map((v) => v * Math.sign(ahead[2]));
    const start = Math.atan2(-level[1], -level[0]);  // behind camera 1
    const places = [...card.cameras.map(position), [RADIUS, RADIUS, RADIUS], [-RADIUS, -RADIUS, -RADIUS]];
    const centre = [0, 1, 2].map((i) => (Math.min(...places.map((p) => p[i])) + Math.max(...places.map((p) => p[i]))) / 2);
    canvas.scene = { card, start, turn: -0.55, tilt: 0.45, swing: 0, held: false, centre,
      reach: Math.max(...places.map((p) => Math.hypot(...add(p, centre, -1)))) };
    const { scene } = canvas;
    const ball = [0, 1, 2].flatMap((i) => [-RADIUS, RADIUS].map((v) => [0, 1, 2].map((k) => (k === i ? v : 0))));
    const reached = [-SWAY, 0, SWAY].flatMap((swing) => [...card.cameras.map(position), ...ball].map(lens({ ...scene, swing, fit: 1 }, 2, 2)));
    scene.fit = 0.78 / Math.max(...reached.flatMap(([x, y]) => [Math.abs(x - 1), Math.abs(y - 1)]));
    const turned = () => { scene.held = true; paint(canvas); };
    const tilt = (by) => { scene.tilt = Math.min(Math.max(scene.tilt + by, -0.3), 1.55); };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); scene.held = true; });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      scene.turn -= event.movementX * 0.012;
      tilt(event.movementY * 0.012);
      turned();
    });
    canvas.addEventListener("dblclick", () => { Object.assign(scene, { turn: -0.55, tilt: 0.45, swing: 0, held: false }); paint(canvas); wake(); });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      scene.turn += by[0];
      tilt(by[1]);
      turned();
    });
    drawn.observe(canvas);
    return canvas;
  }

  const seen = new Set();  // canvases in the window: only these are painted
  const drawn = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) { seen.delete(target); continue; }
      seen.add(target);
      paint(target);
    }
    for (const canvas of seen) if (!canvas.isConnected) { seen.delete(canvas); drawn.unobserve(canvas); }
    wake();
  });

  let colours = null;  // of the current scheme, as the canvas needs them
  function palette() {
    const style = getComputedStyle(document.documentElement);
    return colours ??= Object.fromEntries(["one", "two", "three", "four", "ink", "soft", "faint", "line", "card"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = null; seen.forEach(paint); });

  /** World -> [x, y, distance from the eye] in CSS pixels of a canvas. */
  function lens(scene, width, height) {
    const turn = scene.start + scene.turn + scene.swing, cos = Math.cos(scene.tilt), sin = Math.sin(scene.tilt);
    const away = [-cos * Math.cos(turn), -cos * Math.sin(turn), -sin];
    const right = [-Math.sin(turn), Math.cos(turn), 0];
    const up = [-sin * Math.cos(turn), -sin * Math.sin(turn), cos];
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const far = 5 * scene.reach, scale = scene.fit * Math.min(width, height) / 2;
    return (point) => {
      const p = add(point, scene.centre, -1), distance = far + dot(p, away), k = scale * far / distance;
      return [width / 2 + k * dot(p, right), height / 2 - k * dot(p, up), distance, k];
    };
  }

  function paint(canvas) {
    const { scene } = canvas, width = canvas.clientWidth, height = canvas.clientHeight, sharp = devicePixelRatio || 1;
    if (!width) return;
    if (canvas.width !== Math.round(width * sharp)) { canvas.width = Math.round(width * sharp); canvas.height = Math.round(height * sharp); }
    const pen = canvas.getContext("2d"), see = lens(scene, width, height), tone = palette(), { card } = scene;
    const hues = [tone.one, tone.two, tone.three, tone.four];
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.lineJoin = pen.lineCap = "round";
    const path = (points, close = false) => {
      pen.beginPath();
      points.map(see).forEach(([x, y], i) => { i ? pen.lineTo(x, y) : pen.moveTo(x, y); });
      if (close) pen.closePath();
    };
    const line = (points, colour, thick = 1, dash = [], alpha = 1) => {
      pen.setLineDash(dash); pen.strokeStyle = colour; pen.lineWidth = thick; pen.globalAlpha = alpha;
      path(points); pen.stroke();
      pen.setLineDash([]); pen.globalAlpha = 1;
    };
    const circle = (radius, high) => Array.from({ length: 49 }, (_, i) => [radius * Math.cos(i * Math.PI / 24), radius * Math.sin(i * Math.PI / 24), high]);
    const label = (text, [x, y], colour, size = 12) => {
      pen.font = `650 ${size}px ui-sans-serif, system-ui, sans-serif`; pen.textAlign = "center"; pen.textBaseline = "middle";
      pen.lineWidth = 3.5; pen.strokeStyle = tone.card; pen.strokeText(text, x, y);
      pen.fillStyle = colour; pen.fillText(text, x, y);
    };

    // the ground below the object, and what stands on it
    const ground = Math.min(-RADIUS, ...card.cameras.map((camera) => position(camera)[2]));
    const rings = Math.ceil(scene.reach * 1.3 / RADIUS);
    for (let i = 1; i <= Math.min(rings, 8); i++) line(circle(i * RADIUS, ground), tone.faint, 1, [], 0.3);
    const reach = Math.min(rings, 8) * RADIUS;
    for (const a of [0, 1, 2, 3]) line([-1, 1].map((k) => [k * reach * Math.cos(a * Math.PI / 4), k * reach * Math.sin(a * Math.PI / 4), ground]), tone.faint, 1, [], 0.16);
    [["x", [1, 0, 0]], ["y", [0, 1, 0]], ["z", [0, 0, 1]]].forEach(([name, axis]) => {
      const foot = [0, 0, ground], tip = add(foot, axis, RADIUS);
      line([foot, tip], tone.soft, 1.5);
      label(name, see(add(foot, axis, RADIUS * 1.22)), tone.soft, 10.5);
    });

    // the object and the cameras, the farthest first
    const things = [{ far: see([0, 0, 0])[2], paint: ball }, ...card.cameras.map((camera, i) => ({ far: see(position(camera))[2], paint: () => frustum(camera, i) }))];
    things.sort((a, b) => b.far - a.far).forEach((thing) => thing.paint());
    if (card.cameras.length === 2 && !samePlace(card)) arrow(position(card.cameras[0]), position(card.cameras[1]));
    scene.places = card.cameras.map((camera) => see(position(camera)));  // for tests
    card.cameras.forEach((camera, i) => {
      const back = along(camera.pose, [0, 0, -1]), twin = i > 0 && samePlace({ cameras: [card.cameras[0], camera] });
      label(`${i + 1}`, see(add(position(camera), back, scene.reach * 0.12)).map((v, axis) => v + (twin && axis === 0 ? 12 : 0)), hues[i]);
    });

    function ball() {
      const [x, y, , k] = see([0, 0, 0]);
      pen.beginPath(); pen.arc(x, y, k * RADIUS, 0, 7);
      pen.globalAlpha = 0.75; pen.fillStyle = tone.card; pen.fill();
      pen.globalAlpha = 1; pen.strokeStyle = tone.faint; pen.lineWidth = 1.2; pen.stroke();
      line(circle(RADIUS, 0), tone.faint, 1, [2, 3], 0.7);
      for (const point of [...card.points].sort((a, b) => see(b.world)[2] - see(a.world)[2])) {
        const [px, py] = see(point.world);
        pen.beginPath(); pen.arc(px, py, 2.6, 0, 7);
        pen.fillStyle = `rgb(${point.rgb.join(" ")})`; pen.fill();
        pen.strokeStyle = tone.ink; pen.lineWidth = 0.5; pen.globalAlpha = 0.55; pen.stroke(); pen.globalAlpha = 1;
      }
      if (card.front_azimuth_deg != null) {
        const a = card.front_azimuth_deg * Math.PI / 180, front = [Math.cos(a), Math.sin(a), 0];
        arrow(front.map((v) => v * RADIUS * 0.9), front.map((v) => v * RADIUS * 1.5), tone.soft, 0);
      }
    }

    function frustum(camera, i) {
      const apex = position(camera), [sx, sy] = camera.slopes, deep = scene.reach * 0.2 / Math.max(1, sx, sy);
      const corner = (x, y, depth) => add(apex, along(camera.pose, [x * sx * depth, y * sy * depth, depth]));
      const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => corner(x, y, deep));
      line([apex, [apex[0], apex[1], ground]], hues[i], 1, [1, 4], 0.8);
      line([apex, add(apex, along(camera.pose, [0, 0, Math.hypot(...apex)]))], hues[i], 1, [4, 4], 0.55);
      pen.fillStyle = hues[i];
      for (const side of [0, 1, 2, 3]) { path([apex, corners[side], corners[(side + 1) % 4]], true); pen.globalAlpha = 0.1; pen.fill(); }
      path(corners, true); pen.globalAlpha = 0.16; pen.fill(); pen.globalAlpha = 1;
      corners.forEach((c) => line([apex, c], hues[i], 1.6));
      line([...corners, corners[0]], hues[i], 1.8);
      path([corner(-0.45, -1.12, deep), corner(0, -1.6, deep), corner(0.45, -1.12, deep)], true);  // which side is up
      pen.fillStyle = hues[i]; pen.fill();
    }

    function arrow(from, to, colour = tone.ink, gap = 7) {
      const [a, b] = [see(from), see(to)], length = Math.hypot(b[0] - a[0], b[1] - a[1]);
      if (length < 2 * gap + 6) return;
      const u = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
      const start = [a[0] + gap * u[0], a[1] + gap * u[1]], end = [b[0] - gap * u[0], b[1] - gap * u[1]];
      pen.strokeStyle = pen.fillStyle = colour; pen.lineWidth = 1.5;
      pen.beginPath(); pen.moveTo(...start); pen.lineTo(...end); pen.stroke();
      pen.beginPath(); pen.moveTo(...end);
      pen.lineTo(end[0] - 7 * u[0] - 3.5 * u[1], end[1] - 7 * u[1] + 3.5 * u[0]);
      pen.lineTo(end[0] - 7 * u[0] + 3.5 * u[1], end[1] - 7 * u[1] - 3.5 * u[0]);
      pen.fill();
    }
  }

  // The current sample's view sways slowly, so that depth is seen and right stays right. Twelve pictures a second will do.
  let timer = 0, clock = 0;
  function wake() {
    clearTimeout(timer);
    const canvas = cards()[current]?.querySelector("canvas");
    if (!canvas || !view.turning || document.hidden || !seen.has(canvas) || canvas.scene.held) return;
    timer = setTimeout(() => requestAnimationFrame(() => {
      clock += 0.08;
      canvas.scene.swing = SWAY * Math.sin(clock * 0.5);
      paint(canvas);
      wake();
    }), 80);
  }

  // --- questions, and the little quiz --------------------------------------------------------------------------------

  function ask(card, question) {
    const key = `${card.key} ${question.id}`;
    const node = make("div.question", { role: "group", "data-type": question.type, "aria-label": plain(question.type) },
      make("h4", {}, plain(question.type).replace(/^./, (c) => c.toUpperCase()), " ", make("span", {}, plain(question.frame)),
        !question.fair && make("span.cued", { title: "Right, and beside the balanced subset: a flat cue would give it away more often than not" }, "not balanced")),
      make("p.wording", {}, question.wording),
      question.figures.length > 0 && make("div.figures", {}, question.figures.map((figure, i) => make("figure", {},
        image(typeof figure === "number" ? card.pictures[figure] : figure, `Image ${i + 1} of this question`), make("figcaption", {}, `${i + 1}`)))),
      make("ol", {}, question.options.map(([mark, text], i) => make("li", { "data-right": i === question.right },
        make("button", { type: "button", onclick: () => answer(node, i) }, make("b", {}, mark), text)))),
      make("details", { open: view.answers || given.has(key) }, make("summary", {}, "Answer"),
        make("p", {}, make("b", {}, question.answer), ` · margin ${question.margin.toFixed(2)} · decidability ${question.decidability.toFixed(3)}`),
        question.thought && make("p.thought", {}, question.thought)));
    node.question = { ...question, key };
    if (given.has(key)) markGiven(node, given.get(key));
    return node;
  }

  function answer(node, option) {
    const { key, options, right } = node.question;
    if (given.has(key) || option >= options.length) return;
    given.set(key, { option, right: option === right });
    markGiven(node, given.get(key));
    node.querySelector("details").open = true;
    $("said").textContent = option === right ? "Right" : `Wrong: the answer is ${options[right].join(" ")}`;
    score();
    markNext();
  }

  function markGiven(node, { option, right }) {
    node.querySelectorAll("li")[option].dataset.given = right ? "right" : "wrong";
    for (const button of node.querySelectorAll("li button")) button.disabled = true;
  }

  function score() {
    const right = [...given.values()].filter((one) => one.right).length;
    $("score").value = `${right} of ${given.size} right`;
    $("score").hidden = !given.size;
  }

  /** The first question of the current sample that is open: what 1 to 9 answer. */
  function markNext() {
    document.querySelector(".question[data-next]")?.removeAttribute("data-next");
    const open = [...(cards()[current]?.querySelectorAll(".question") ?? [])].find((node) => !node.hidden && node.question.options.length && !given.has(node.question.key));
    open?.setAttribute("data-next", "");
    return open;
  }

  // --- switches and keys -----------------------------------------------------------------------------------------------

  function toggleOverlay(name) {
    view.overlays[view.overlays.has(name) ? "delete" : "add"](name);
    document.querySelector(`[data-overlay="${name}"]`).setAttribute("aria-pressed", view.overlays.has(name));
    dressAll();
  }

  function toggleAnswers() {
    view.answers = !view.answers;
    $("reveal").setAttribute("aria-pressed", view.answers);
    for (const details of document.querySelectorAll(".question details")) details.open = view.answers;
  }

  const keys = {
    j: () => step(1), ArrowRight: () => step(1), k: () => step(-1), ArrowLeft: () => step(-1),
    "/": () => $("search").focus(),
    a: toggleAnswers, b: () => toggleOverlay("boxes"), z: () => toggleOverlay("zoom"), d: () => toggleOverlay("depth"), c: () => toggleOverlay("covisible"),
    v: () => { view.drawing = { "3d": "top", top: "side", side: "3d" }[view.drawing]; dressAll(); },
    t: () => { view.turning = !view.turning; for (const canvas of seen) canvas.scene.held = false; wake(); },
    "?": () => $("help").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    if (event.key === "Escape") {
      if (document.querySelector(".menu[open]")) { const menu = document.querySelector(".menu[open]"); menu.open = false; menu.firstElementChild.focus(); }
      else document.activeElement?.blur();
      return;
    }
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    if (/^[1-9]$/.test(event.key)) {
      const open = markNext();
      if (!open) return;
      answer(open, event.key - 1);
      open.scrollIntoView({ block: "nearest", behavior: "instant" });
      return;
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // a card that is touched becomes the current one, and so does the one that is scrolled to
  $("cards").addEventListener("pointerdown", (event) => {
    const place = cards().indexOf(event.target.closest(".card"));
    if (place >= 0 && place !== current) select(place, false);
  });
  let settled = 0;
  addEventListener("scroll", () => {
    clearTimeout(settled);
    settled = setTimeout(() => {
      const top = document.querySelector(".bar").getBoundingClientRect().bottom + 40;
      const now = cards()[current]?.getBoundingClientRect();
      if (now && now.bottom > top && now.top < innerHeight * 0.6) return;
      const place = cards().findIndex((card) => card.getBoundingClientRect().bottom > top);
      if (place >= 0 && place !== current) select(place, false);
    }, 120);
  }, { passive: true });

  for (const button of document.querySelectorAll("[data-overlay]")) button.addEventListener("click", () => toggleOverlay(button.dataset.overlay));
  for (const menu of document.querySelectorAll(".menu")) {
    menu.addEventListener("toggle", () => { if (menu.open) { closeMenus(menu); openMenu(menu); } });
    menu.hidden = names[menu.dataset.group].length < 2;  // nothing to choose
  }
  document.addEventListener("pointerdown", (event) => closeMenus(event.target.closest(".menu")));
  $("reveal").addEventListener("click", toggleAnswers);
  $("ask").addEventListener("click", () => $("help").showModal());
  $("clear").addEventListener("click", () => { clearFilters(); showPage(0); $("search").focus(); });
  $("search").addEventListener("input", refilter);
  $("page").addEventListener("change", () => turnPage(Math.round($("page").valueAsNumber || 1) - 1));
  for (const side of ["", "-below"]) {
    $(`previous${side}`).addEventListener("click", () => turnPage(page - 1));
    $(`next${side}`).addEventListener("click", () => turnPage(page + 1));
  }
  new ResizeObserver(([bar]) => {  // what is scrolled to is not hidden under the bar
    const sticks = getComputedStyle(bar.target).position === "sticky";
    document.documentElement.style.scrollPaddingTop = `${sticks ? bar.target.offsetHeight + 16 : 10}px`;
  }).observe(document.querySelector(".bar"));
  addEventListener("hashchange", follow);
  addEventListener("resize", () => seen.forEach(paint));
  document.addEventListener("visibilitychange", wake);

  filter();
  if (!follow()) showPage(0);
}
