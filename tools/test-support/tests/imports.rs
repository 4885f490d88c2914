//! Tests of the dependencies between the modules of each crate. The modules of a crate must not use each other in a
//! circle, because such modules cannot be read one after the other. The modules of the interpreter must also use only
//! modules of the same or an earlier line of the list in docs/architecture.md.
//!
//! A module uses another module if a `use` or a path in the code of the first names the second or something in it. A
//! module and the modules inside it may use each other. Test modules are not considered.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree};

/// Path of a module below the root of its crate, as a list of names. The list is empty for the root itself.
type Module = Vec<String>;

/// For each module of a crate, the modules that it uses.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the source folders of the crates in the workspace table.
fn sources() -> Vec<PathBuf> {
    let manifest = fs::read_to_string(project().join("Cargo.toml")).unwrap();
    let list = manifest.lines().find_map(|line| line.strip_prefix("members = [")).unwrap();
    let members = list.trim_end_matches(']').split(", ").map(|member| member.trim_matches('"'));
    members.map(|member| project().join(member).join("src")).filter(|source| source.is_dir()).collect()
}

/// Returns the modules of a crate and their files. Modules of tests are left out.
fn files(source: &Path) -> BTreeMap<Module, PathBuf> {
    let mut open = vec![source.to_owned()];
    let mut found = BTreeMap::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let Some(name) = path.strip_prefix(source).unwrap().to_str().unwrap().strip_suffix(".rs") else {
                continue;
            };
            let mut module: Module = name.split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
                module.pop();
            }
            if !module.iter().any(|part| part == "tests") {
                found.insert(module, path);
            }
        }
    }
    found
}

/// Collects the paths in a source file that name something in the same crate. Each path is converted to one that starts
/// at the root of the crate.
struct Paths<'m> {
    module: &'m [String],
    found: Vec<Module>,
}

impl Paths<'_> {
    /// Adds a path if it begins with `crate`, `self` or `super`. Any other path belongs to another crate, or begins
    /// with a name that a `use` imports. In the second case the `use` itself is added.
    fn add(&mut self, path: &[String]) {
        let mut base = self.module;
        let mut rest = path;
        match path.first().map(String::as_str) {
            Some("crate") => (base, rest) = (&[], &path[1..]),
            Some("self") => rest = &path[1..],
            Some("super") => {
                while let Some(("super", after)) =
                    rest.split_first().map(|(first, after)| (first.as_str(), after))
                {
                    (base, rest) = (&base[..base.len().saturating_sub(1)], after);
                }
            }
            _ => return,
        }
        self.found.push(base.iter().chain(rest).cloned().collect());
    }

    fn add_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
            UseTree::Name(name) => self.add(&with(&name.ident)),
            UseTree::Rename(name) => self.add(&with(&name.ident)),
            UseTree::Glob(_) => self.add(before),
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    })
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => &[],
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Module = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&names);
        visit::visit_path(self, path);
    }
}

/// Returns whether one of the modules contains the other.
fn is_inside(one: &[String], other: &[String]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Returns the modules that each module of a crate uses. A module that contains the using module, or is inside it, is
/// left out.
fn graph(source: &Path) -> Graph {
    let files = files(source);
    let mut graph = Graph::new();
    for (module, file) in &files {
        let parsed = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
        let mut paths = Paths { module, found: Vec::new() };
        paths.visit_file(&parsed);
        // A path names a module and, most often, something in it.
        let named = paths.found.iter().map(|path| {
            let lengths = (0..=path.len()).rev();
            lengths.map(|length| &path[..length]).find(|start| files.contains_key(*start)).unwrap().to_vec()
        });
        graph.insert(module.clone(), named.filter(|used| !is_inside(used, module)).collect());
    }
    graph
}

/// Removes modules that use none of the remaining modules, or that none of them uses, until no such module is left.
/// Returns the rest, which is empty if there is no circle.
fn circles(graph: &Graph) -> Graph {
    let mut left = graph.clone();
    loop {
        let used: BTreeSet<Module> = left.values().flatten().cloned().collect();
        // A module that uses none of the others, or that none of them uses, is in no circle.
        let outside = |(module, uses): &(&Module, &BTreeSet<Module>)| {
            uses.iter().all(|used| !left.contains_key(used)) || !used.contains(*module)
        };
        let outside: Vec<Module> = left.iter().filter(outside).map(|(module, _)| module.clone()).collect();
        if outside.is_empty() {
            return left;
        }
        outside.iter().for_each(|module| drop(left.remove(module)));
    }
}

fn text(module: &[String]) -> String {
    if module.is_empty() { "the root".into() } else { module.join("::") }
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    let mut wrong = Vec::new();
    for source in sources() {
        let circles = circles(&graph(&source));
        for (module, uses) in &circles {
            let inside: Vec<String> =
                uses.iter().filter(|used| circles.contains_key(*used)).map(|used| text(used)).collect();
            let folder = source.strip_prefix(project()).unwrap().display();
            wrong.push(format!("{folder}: {} uses {}", text(module), inside.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "circles of modules:\n{}", wrong.join("\n"));
}

/// Returns the lines of the order in docs/architecture.md, each with the modules that it names, such as `sighash` or
/// `proposals/*`.
fn order() -> Vec<Vec<String>> {
    let page = fs::read_to_string(project().join("docs/architecture.md")).unwrap();
    let section = page.split("## Inside the interpreter").nth(1).unwrap();
    let block = section.split("```").nth(1).unwrap();
    let names = |line: &str| line.split("  ").next().unwrap().split(' ').map(str::to_owned).collect();
    block.lines().filter(|line| !line.is_empty()).map(names).collect()
}

/// Returns the index of the line that names a module or one of the folders that contain the module. If several lines
/// do, the line with the most specific name counts.
fn line_of(order: &[Vec<String>], module: &[String]) -> Option<usize> {
    let length = |name: &String| {
        let parts: Vec<&str> = name.split('/').collect();
        let fits = parts.len() <= module.len()
            && parts.iter().zip(module).all(|(part, own)| *part == "*" || part == own);
        // A name counts more than a `*` in its place.
        fits.then(|| 2 * parts.len() - parts.iter().filter(|part| **part == "*").count())
    };
    let lines = order.iter().enumerate();
    lines
        .filter_map(|(line, names)| Some((names.iter().filter_map(length).max()?, line)))
        .max()
        .map(|(_, line)| line)
}

#[test]
fn the_interpreter_keeps_the_order_of_the_page() {
    let order = order();
    let graph = graph(&project().join("interpreter/src"));
    let mut wrong = Vec::new();
    for (module, uses) in graph.iter().filter(|(module, _)| !module.is_empty()) {
        let Some(line) = line_of(&order, module) else {
            wrong.push(format!("{} is in no line", text(module)));
            continue;
        };
        for used in uses.iter().filter(|used| line_of(&order, used).is_none_or(|other| other > line)) {
            wrong.push(format!("{} uses {}, which is in a later line", text(module), text(used)));
        }
    }
    assert!(wrong.is_empty(), "docs/architecture.md, \"Inside the interpreter\":\n{}", wrong.join("\n"));
    let names = order.iter().flatten().filter(|name| !name.contains('*'));
    let missing: Vec<&String> = names
        .filter(|name| !graph.contains_key(&name.split('/').map(str::to_owned).collect::<Module>()))
        .collect();
    assert!(missing.is_empty(), "docs/architecture.md names modules that do not exist: {missing:?}");
}

/// A circle of three modules is found, and modules outside the circle are not reported. A module counts as inside its
/// parent module, but not as inside a module whose name is only a prefix of its name.
#[test]
fn a_circle_is_found() {
    let module = |name: &str| name.split('/').map(str::to_owned).collect::<Module>();
    let uses = |names: &[&str]| names.iter().map(|name| module(name)).collect::<BTreeSet<_>>();
    let graph = Graph::from([
        (module("a"), uses(&["b"])),
        (module("b"), uses(&["c"])),
        (module("c"), uses(&["a", "d"])),
        (module("d"), uses(&[])),
        (module("e"), uses(&["a"])),
    ]);
    assert_eq!(circles(&graph).into_keys().collect::<Vec<_>>(), ["a", "b", "c"].map(module));
    assert!(is_inside(&module("a/b"), &module("a")) && !is_inside(&module("ab"), &module("a")));
}
