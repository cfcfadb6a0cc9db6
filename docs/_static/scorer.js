// How the search ranks: a heading that is the question comes first, guides before records of decisions. What is found
// in a page's text opens at the section that says most of what was asked. Where nothing has all the words, it is asked
// with fewer of them.
var Scorer = { // eslint-disable-line no-var
  asked: () => (new URLSearchParams(location.search).get("q") || "").toLowerCase().replace(/[?!.]+$/, "").trim(),
  stems: () => {
    const stemmer = new Stemmer();
    return new Set(splitQuery(Scorer.asked()).filter((word) => !stopwords.has(word)).map((word) => stemmer.stemWord(word)));
  },
  section: (page) => { // [anchor, heading, how many of the words it has, how many its heading has]
    const stems = Scorer.stems();
    const stemmer = new Stemmer();
    let best = ["", "", 0, 0];
    for (const [anchor, heading, words] of (window.SECTIONS || {})[page] || []) {
      const there = new Set(words.split(" "));
      const above = new Set(splitQuery(heading.toLowerCase()).map((word) => stemmer.stemWord(word)));
      const within = [...stems].filter((stem) => there.has(stem)).length;
      const named = [...stems].filter((stem) => above.has(stem)).length;
      if (within + 0.5 * named > best[2] + 0.5 * best[3]) best = [anchor, heading, within, named];
    }
    return best;
  },
  score: (result) => {
    const [page, title, anchor, , score, , kind] = result;
    const asked = Scorer.asked();
    let together = 0;
    if (kind === "text" && !anchor) {
      const [place, heading, within, named] = Scorer.section(page);
      if (place) {
        result[1] = `${title} > ${heading}`;
        result[2] = `#${place}`;
      }
      together = within && within === Scorer.stems().size ? 2 + 2 * named + (named === within ? 6 : 0) : 0;
      if (page === "glossary" && /^what (is|are) /.test(asked) && named && named === Scorer.stems().size) together += 8;
    }
    const says = asked && title.toLowerCase().includes(asked) ? 30 : 0;
    const guide = /^how-to/.test(page) ? 5 : /^(explanation|errors|common-mistakes|checking|compiled|live)/.test(page) ? 4 : /^glossary/.test(page) ? 7 : /^(adr|changelog|benchmarks)/.test(page) ? -6 : 0;
    return score + says + guide + together;
  },
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,
};

if (typeof Search !== "undefined") { // Sphinx' own, which the index asks when it comes
  const ask = Search._performSearch;
  Search._performSearch = (query, words, ...others) => {
    let found = ask(query, words, ...others);
    if (found.length || words.size < 2) return found;
    let some = [[...words].filter((word) => ask(query, new Set([word]), ...others).length)]; // what stands somewhere
    for (;;) {
      found = some.flatMap((few) => ask(query, new Set(few), ...others));
      if (found.length || some[0].length < 2) break;
      const fewer = some.flatMap((few) => few.map((word) => few.filter((other) => other !== word)));
      some = [...new Map(fewer.map((few) => [few.join(" "), few])).values()];
    }
    if (!found.length) return found;
    const said = document.createElement("p");
    said.className = "search-fewer";
    said.textContent = "No page has all of these words. These have some of them:";
    Search.output.before(said);
    const rising = (a, b) => a[4] - b[4]; // the last is shown first
    for (const result of found) result[4] += 2 * Scorer.section(result[0])[2];
    return [...new Map(found.sort(rising).map((result) => [result[0], result])).values()].sort(rising);
  };
}
