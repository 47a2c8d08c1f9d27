// inWords("Còn %(n)s giây.", {n: 5}): the sentence in the language of the page; loaWords has it where that is not Vietnamese.
window.inWords = (text, values = {}) => {
  const known = (window.loaWords || {})[text] || text;
  return known.replace(/%\((\w+)\)s/g, (_all, name) => values[name]);
};
