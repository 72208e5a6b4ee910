//! P03: what RFC 9535 says of a query is what it selects, or the query is refused by name.

use serde_json::{Value, json};
use ws_core::HandlerError;
use ws_patterns::{JsonPath, MessagePattern};

/// Each query selects exactly these values, in this order.
fn check(document: &Value, table: &[(&str, Value)]) {
    for (query, expected) in table {
        let path = JsonPath::compile(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let selected: Value = path.select(document).into_iter().cloned().collect();
        assert_eq!(selected, *expected, "{query}");
        assert_eq!(path.first(document), expected.get(0), "first of {query}");
        assert_eq!(path.exists(document), expected != &json!([]), "existence of {query}");
        let pattern = MessagePattern::jsonpath(query);
        assert_eq!(pattern.matches(&document.to_string()), path.exists(document), "pattern {query}");
    }
}

/// P03. The document of RFC 9535, section 1.5.
#[test]
fn the_bookstore_of_the_rfc() {
    let document = json!({"store": {
        "book": [
            {"category": "reference", "author": "Nigel Rees", "title": "Sayings", "price": 8.95},
            {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword", "price": 12.99},
            {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
            {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord", "isbn": "0-395-19395-8", "price": 22.99}
        ],
        "bicycle": {"color": "red", "price": 399}
    }});
    let authors = json!(["Nigel Rees", "Evelyn Waugh", "Herman Melville", "J. R. R. Tolkien"]);
    let table = [
        ("$.store.book[*].author", authors.clone()),
        ("$..author", authors),
        ("$.store.*", json!([document["store"]["book"], document["store"]["bicycle"]])),
        ("$.store..price", json!([8.95, 12.99, 8.99, 22.99, 399])),
        ("$..book[2].title", json!(["Moby Dick"])),
        ("$..book[-1].title", json!(["The Lord"])),
        ("$..book[0,1].title", json!(["Sayings", "Sword"])),
        ("$..book[:2].title", json!(["Sayings", "Sword"])),
        ("$..book[?@.isbn].title", json!(["Moby Dick", "The Lord"])),
        ("$..book[?(@.isbn)].title", json!(["Moby Dick", "The Lord"])),
        ("$..book[?@.price<10].title", json!(["Sayings", "Moby Dick"])),
        ("$..book[?(@.price > 10 && @.category == 'fiction')].title", json!(["Sword", "The Lord"])),
        ("$.store.book[?@.price == $.store.book[1].price].title", json!(["Sword"])),
        ("$.store[?@.color].price", json!([399])),
    ];
    check(&document, &table);
}

/// P03. Names, indexes, wildcards, slices, unions.
#[test]
fn selectors_of_the_rfc() {
    let document = json!({
        "user": {"name": "Ann", "tags": ["a", "b"], "nested": {"deep": {"er": 1}}},
        "items": [{"status": "new", "id": 0}, {"status": "old", "id": 1}, {"status": "gone", "id": 2}],
        "list": ["a", "b", "c", "d", "e", "f", "g"],
        "matrix": [[1, 2], [3, 4, 5], []],
        "null": null,
        "false": false,
        "empty": {},
        "o": {"j j": {"k.k": 3}, "it's": 4, "\"": 5, "\\": 6, "'\"": 7, "a\\": 8, "\u{263a}": 9, "": 10, "a]b": 11},
        "twice": [5, 5, 1, 5],
    });
    let table = [
        ("$", json!([document])),
        ("$.user.name", json!(["Ann"])),
        ("$.user.nested.deep.er", json!([1])),
        ("$['user']['name']", json!(["Ann"])),
        ("$[\"user\"].name", json!(["Ann"])),
        ("$ .user\n[ 'name' ]", json!(["Ann"])),
        ("$.items[0].status", json!(["new"])),
        ("$.items[2].id", json!([2])),
        ("$.items[3]", json!([])),
        ("$.items[-1].status", json!(["gone"])),
        ("$.items[-3].status", json!(["new"])),
        ("$.items[-4]", json!([])),
        ("$.items[*].id", json!([0, 1, 2])),
        ("$.items.*.id", json!([0, 1, 2])),
        ("$.items.id", json!([])),
        ("$.user[0]", json!([])),
        ("$.user.tags[0]", json!(["a"])),
        ("$.user[*][0]", json!(["a"])),
        ("$.user['0']", json!([])),
        ("$.list['0']", json!([])),
        ("$.list[1:3]", json!(["b", "c"])),
        ("$.list[5:]", json!(["f", "g"])),
        ("$.list[1:5:2]", json!(["b", "d"])),
        ("$.list[:2]", json!(["a", "b"])),
        ("$.list[-2:]", json!(["f", "g"])),
        ("$.list[:-5]", json!(["a", "b"])),
        ("$.list[-99:2]", json!(["a", "b"])),
        ("$.list[5:99]", json!(["f", "g"])),
        ("$.list[::3]", json!(["a", "d", "g"])),
        ("$.list[ 1 : 6 : 2 ]", json!(["b", "d", "f"])),
        ("$.list[4:2]", json!([])),
        ("$.list[:]", json!(["a", "b", "c", "d", "e", "f", "g"])),
        ("$.user[1:]", json!([])),
        ("$.list[0, 3]", json!(["a", "d"])),
        ("$.list[0:2, 5]", json!(["a", "b", "f"])),
        ("$.list[0, 0]", json!(["a", "a"])),
        ("$.list[-1, 0]", json!(["g", "a"])),
        ("$.user['tags','name']", json!([["a", "b"], "Ann"])),
        ("$.user[\"name\", 'missing', 0]", json!(["Ann"])),
        ("$.items[*]['status', 'id']", json!(["new", 0, "old", 1, "gone", 2])),
        ("$.items[0][*, 'id']", json!(["new", 0, 0])),
        ("$.matrix[*][0]", json!([1, 3])),
        ("$.matrix[*][-1]", json!([2, 5])),
        ("$.matrix[*][*]", json!([1, 2, 3, 4, 5])),
        ("$.matrix[0:2][1]", json!([2, 4])),
        ("$.null", json!([null])),
        ("$.false", json!([false])),
        ("$.null.a", json!([])),
        ("$.empty", json!([{}])),
        ("$.empty.*", json!([])),
        ("$.missing.a", json!([])),
        ("$.twice[*]", json!([5, 5, 1, 5])),
        ("$.o['j j']['k.k']", json!([3])),
        (r"$.o['it\'s']", json!([4])),
        ("$.o[\"it's\"]", json!([4])),
        ("$.o['\"']", json!([5])),
        (r#"$.o["\""]"#, json!([5])),
        (r"$.o['\\']", json!([6])),
        (r#"$.o['\'"']"#, json!([7])),
        (r"$.o['a\\']", json!([8])),
        ("$.o['\u{263a}']", json!([9])),
        (r"$.o['\u263A']", json!([9])),
        ("$.o.\u{263a}", json!([9])),
        ("$.o['']", json!([10])),
        ("$.o['a]b']", json!([11])),
        (r#"$.o['a\\','\'"']"#, json!([8, 7])),
    ];
    check(&document, &table);
}

/// P03. The order of `..`, and what it combines with; section 2.5.2.3.
#[test]
fn descents_visit_a_value_before_what_it_contains() {
    let document = json!({"o": {"j": 1, "k": 2}, "a": [5, 3, [{"j": 4}, {"k": 6}]]});
    let table = [
        ("$..j", json!([1, 4])),
        ("$..['j']", json!([1, 4])),
        ("$..[0]", json!([5, {"j": 4}])),
        ("$..[-1]", json!([[{"j": 4}, {"k": 6}], {"k": 6}])),
        ("$..[0:2]", json!([5, 3, {"j": 4}, {"k": 6}])),
        (
            "$..*",
            json!([
                {"j": 1, "k": 2}, [5, 3, [{"j": 4}, {"k": 6}]], 1, 2, 5, 3, [{"j": 4}, {"k": 6}],
                {"j": 4}, {"k": 6}, 4, 6
            ]),
        ),
        (
            "$..[*]",
            json!([
                {"j": 1, "k": 2}, [5, 3, [{"j": 4}, {"k": 6}]], 1, 2, 5, 3, [{"j": 4}, {"k": 6}],
                {"j": 4}, {"k": 6}, 4, 6
            ]),
        ),
        ("$.a..[0, 1]", json!([5, 3, {"j": 4}, {"k": 6}])),
        ("$..['j', 'k']", json!([1, 2, 4, 6])),
        ("$.o..j", json!([1])),
        ("$..o", json!([{"j": 1, "k": 2}])),
        ("$..missing", json!([])),
        ("$..[?@.j]", json!([{"j": 1, "k": 2}, {"j": 4}])),
        ("$..[?@ > 4]", json!([5, 6])),
    ];
    check(&document, &table);
    check(
        &json!({"a": {"a": {"a": 1}}}),
        &[("$..a", json!([{"a": {"a": 1}}, {"a": 1}, 1])), ("$..a.a", json!([{"a": 1}, 1]))],
    );
    check(&json!(7), &[("$..*", json!([])), ("$", json!([7])), ("$.a", json!([])), ("$[?@]", json!([]))]);
}

/// P03. Filters; sections 2.3.5.2 and 2.3.5.3.
#[test]
fn filters_of_the_rfc() {
    let document = json!({
        "a": [3, 5, 1, 2, 4, 6, {"b": "j"}, {"b": "k"}, {"b": {}}, {"b": "kilo"}],
        "o": {"p": 1, "q": 2, "r": 3, "s": 5, "t": {"u": 6}},
        "e": "f",
        "m": [
            {"n": 1, "x": null}, {"n": 2, "x": false}, {"n": 3}, {"n": 4, "x": 1.0, "y": 1}, {"n": "5", "x": [1, 2], "y": [1, 2]},
            {"n": 6, "l": [{"z": 1}, {"z": 2}]}, {"n": 7, "l": []}, [{"n": 8}], "text"
        ],
    });
    let table = [
        ("$.a[?@.b == 'kilo']", json!([{"b": "kilo"}])),
        ("$.a[?(@.b == 'kilo')]", json!([{"b": "kilo"}])),
        ("$.a[?@>3.5]", json!([5, 4, 6])),
        ("$.a[?@.b]", json!([{"b": "j"}, {"b": "k"}, {"b": {}}, {"b": "kilo"}])),
        ("$[?@.*]", json!([document["a"], document["o"], document["m"]])),
        ("$[?@[?@.b]]", json!([document["a"]])),
        ("$.o[?@<3, ?@<3]", json!([1, 2, 1, 2])),
        ("$.a[?@<2 || @.b == \"k\"]", json!([1, {"b": "k"}])),
        ("$.o[?@>1 && @<4]", json!([2, 3])),
        ("$.o[?@.u || @.x]", json!([{"u": 6}])),
        ("$.a[?@.b == $.x]", json!([3, 5, 1, 2, 4, 6])),
        ("$.a[?@ == @]", document["a"].clone()),
        ("$.o[?@ == 1 || @ == 2 && @ == 3]", json!([1])),
        ("$.o[?(@ == 1 || @ == 2) && @ == 2]", json!([2])),
        ("$.o[?!(@ == 1) && !@.u]", json!([2, 3, 5])),
        ("$.o[?!@.u]", json!([1, 2, 3, 5])),
        ("$.m[?@.x].n", json!([1, 2, 4, "5"])),
        ("$.m[?@.x == null].n", json!([1])),
        ("$.m[?@.x != null].n", json!([2, 3, 4, "5", 6, 7])),
        ("$.m[?@.x == false].n", json!([2])),
        ("$.m[?@.x == 1].n", json!([4])),
        ("$.m[?@.x == @.y].n", json!([3, 4, "5", 6, 7])),
        ("$.m[?@.n >= 4].n", json!([4, 6, 7])),
        ("$.m[?@.n <= '5'].n", json!(["5"])),
        ("$.m[?@.n == '5' || @.n == -1].n", json!(["5"])),
        ("$.m[?@.l[0].z == 1].n", json!([6])),
        ("$.m[?@.l[-1].z == 2].n", json!([6])),
        ("$.m[?@.l[?@.z > 1]].n", json!([6])),
        ("$.m[?@.l].n", json!([6, 7])),
        ("$.m[?@..z].n", json!([6])),
        ("$.m[?@['n'] == 3]", json!([{"n": 3}])),
        ("$.m[?@[0].n == 8]", json!([[{"n": 8}]])),
        ("$.m[?@ == 'text']", json!(["text"])),
        ("$.m[?'text' == @]", json!(["text"])),
        ("$.m[?3 > @.n].n", json!([1, 2])),
        ("$.m[?$.e == 'f' && @.n == 3].n", json!([3])),
        ("$.m[?$.e]", document["m"].clone()),
        ("$.m[?$.missing]", json!([])),
        ("$.m[?@.n == 1e0].n", json!([1])),
        ("$.m[?@.y == 0.1e1].n", json!([4])),
        ("$[?@ == \"\\u0066\"]", json!(["f"])),
        ("$.m[? ( @.n == 3 ) ].n", json!([3])),
        ("$.m[?((@.n == 3))].n", json!([3])),
        // A filter on an object tests its members, not the object.
        ("$.o[?@.p]", json!([])),
        ("$.e[?@]", json!([])),
    ];
    check(&document, &table);
}

/// P03. What is refused names itself and, where it can, what to write instead.
#[test]
fn queries_that_are_refused_say_so() {
    let table = [
        ("", "character 1: a query starts with `$`"),
        ("a", "a query starts with `$`"),
        ("@.a", "a query starts with `$`"),
        (" $.a", "a query starts with `$`"),
        ("$.a ", "character 4: the query must end before these blanks"),
        ("$.", "a name or `*` must follow the dot"),
        ("$..", "a name or `*` must follow the dot"),
        ("$...a", "more than two dots"),
        ("$. a", "a name or `*` must follow the dot"),
        ("$a", "unexpected `a`"),
        ("$.a]", "unexpected `]`"),
        ("$.[0]", "brackets follow without a dot"),
        ("$.'a'", "brackets follow without a dot"),
        ("$.user-id", "character 3: a plain name has no `-`; write ['user-id']"),
        ("$.0", "a plain name does not start with a digit; write [0]"),
        ("$.a^", "parent operator"),
        ("$.a~", "name operator"),
        ("$.a == 1", "a comparison belongs into a filter"),
        ("$.a:1", "a value after a colon belongs to the patterns of files"),
        ("$.x.length()", "character 5: function length() is not supported"),
        ("$.x.min()", "function min()"),
        ("$[?length(@.a) == 1]", "character 4: function length()"),
        ("$[?count(@.*) == 1]", "function count()"),
        ("$[?match(@.a, 'b')]", "function match()"),
        ("$[?search(@.a, 'b')]", "function search()"),
        ("$[?value(@..a) == 1]", "function value()"),
        ("$[?@.length() == 1]", "function length()"),
        ("$[::-1]", "character 4: a negative step"),
        ("$[5:1:-2]", "a negative step"),
        ("$[::0]", "a slice with step 0 selects nothing"),
        ("$[]", "nothing stands between the brackets"),
        ("$[a]", "character 3: a name between brackets is quoted: ['a']"),
        ("$[user-id]", "['user-id']"),
        ("$[(@.length-1)]", "a script expression"),
        ("$[?(@.a]", "`)`, `&&` or `||` must come here"),
        ("$[?(@.a", "closing `)` is missing"),
        ("$[0", "closing `]` is missing"),
        ("$[", "closing `]` is missing"),
        ("$['a", "closing ' is missing"),
        ("$[0,]", "nothing stands between"),
        ("$[,0]", "unexpected `,`"),
        ("$[0 1]", "unexpected `1`; `,` or `]`"),
        ("$[01]", "no leading zero"),
        ("$[-0]", "no leading zero and no minus sign before zero"),
        ("$[1.0]", "unexpected `.`"),
        ("$[9007199254740992]", "out of range"),
        ("$[-]", "digits must follow"),
        (r"$['\x']", "unknown escape"),
        ("$[?]", "unexpected `]`; `@`, `$` or a value"),
        ("$[?@.a == ]", "unexpected `]`"),
        ("$[?@.a = 1]", "write `==`"),
        ("$[?@.a === 1]", "unexpected `=`"),
        ("$[?@.a =~ /b/]", "regex operator `=~`"),
        ("$[?@.a & @.b]", "write `&&`"),
        ("$[?@.a | @.b]", "write `||`"),
        ("$[?@.a and @.b]", "write `&&`"),
        ("$[?@.a == 1 or @.b]", "write `||`"),
        ("$[?@.a in [1]]", "the operator `in`"),
        ("$[?@.a + 1 == 2]", "arithmetic"),
        ("$[?@.a == [1]]", "arrays and objects cannot be written"),
        ("$[?@.a == b]", "unknown word `b`; text is quoted: 'b'"),
        ("$[?a == 1]", "a member is @.a"),
        ("$[?@.a == True]", "unknown word `True`"),
        ("$[?1]", "a value alone is no condition"),
        ("$[?'a']", "a value alone is no condition"),
        ("$[?@.* == 1]", "must be one value"),
        ("$[?@..a == 1]", "must be one value"),
        ("$[?1 == @[0:2]]", "must be one value"),
        ("$[?@['a','b'] == 1]", "must be one value"),
        ("$[?@[?@.a] == 1]", "must be one value"),
        ("$[?!@.a == 1]", "needs parentheses: !(@.a == 1)"),
        ("$[?!!@.a]", "unexpected `!`"),
        ("$[?(@.a) == 1]", "sides of a comparison stand without parentheses"),
        ("$[?@.a == 1 == 2]", "unexpected `=`"),
        ("$[?$..a]", "a query from `$` inside a filter"),
        ("$[?@.a == 01]", "is not a JSON number"),
        ("$[?@.a == 1e999]", "is not a JSON number"),
        ("$[?@.a == .5]", "unexpected `.`"),
        ("$..a..b", "more than 1 descent"),
        ("$..a[?@..c]", "more than 1 descent"),
    ];
    for (query, expected) in table {
        match JsonPath::compile(query) {
            Err(HandlerError::PatternError(problem)) => {
                assert!(problem.contains(expected) && !problem.contains('\n'), "{query}: {problem}");
                assert!(problem.contains(&format!("`{query}`")), "{query} is not named: {problem}");
            }
            other => panic!("{query}: {other:?}"),
        }
        let pattern = MessagePattern::jsonpath(query);
        assert!(pattern.error().is_some() && !pattern.matches("[[1]]"), "{query}");
    }
}

#[test]
fn a_compiled_query_knows_its_text() {
    let path: JsonPath = "$ ['a']".parse().unwrap();
    assert_eq!((path.as_str(), path.to_string().as_str()), ("$ ['a']", "$ ['a']"));
    assert_eq!(format!("{path:?}"), "JsonPath(\"$ ['a']\")");
    assert_eq!(path.first(&json!({"a": 1})), Some(&json!(1)));
}
