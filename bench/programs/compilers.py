"""gcc and g++ on large inputs: many small objects, freed late or never."""

import random

from harness.programs import Command

FUNCTIONS = 150
CXX = r"""
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>
template <int N> struct node {
	std::map<std::string, std::vector<std::shared_ptr<node<N - 1>>>> kids;
	std::unordered_map<int, std::tuple<std::string, double, int>> index;
	std::variant<int, std::string, std::function<int(int)>> value;
	int visit(int x) {
		int sum = x + N;
		for (auto &k : kids)
			for (auto &n : k.second) sum += n->visit(sum);
		std::vector<std::tuple<int, std::string>> order;
		for (auto &i : index)
			order.emplace_back(i.first, std::get<0>(i.second));
		std::sort(order.begin(), order.end());
		return sum + (int)order.size();
	}
};
template <> struct node<0> { int visit(int x) { return x; } };
int main(int argc, char **argv) {
	std::regex word("[a-z]+([0-9]*)");
	std::ostringstream out;
	node<24> root;
	out << root.visit(argc) << std::regex_match(argv[0], word);
	std::cout << out.str() << std::endl;
}
"""


def write_c(directory):
    """Functions of loops, switches and calls, all different."""
    rng = random.Random(1)
    out = ["#include <stdio.h>", "#include <string.h>",
           "struct s { int a[16]; char name[32]; struct s *next; };"]
    for i in range(FUNCTIONS):
        cases = "".join(f"case {k}: x += p->a[{rng.randrange(16)}] * "
                        f"{rng.randrange(1, 99)}; break;\n"
                        for k in range(rng.randrange(4, 12)))
        call = f"x += f{rng.randrange(i)}(p->next, x);" if i else ""
        out.append(f"""int f{i}(struct s *p, int x) {{
for (int i = 0; i < {rng.randrange(3, 40)} && p; i++, p = p->next) {{
switch (x & 15) {{ {cases} default: x ^= (int)strlen(p->name); }}
if (x > {rng.randrange(10000)}) {{ {call} }}
p->a[i & 15] = x;
}}
return x; }}""")
    (directory / "big.c").write_text("\n".join(out), encoding="ascii")


def write_cxx(directory):
    (directory / "big.cc").write_text(CXX, encoding="ascii")


def programs():
    return [
        Command("gcc", f"gcc -O2 of {FUNCTIONS} generated functions",
                ["gcc", "-O2", "-c", "big.c", "-o", "big.o"],
                setup=write_c, outputs=["big.o"], packages=["gcc"],
                quick=True),
        Command("g++", "g++ -O1 of a source full of templates",
                ["g++", "-std=c++17", "-O1", "-c", "big.cc", "-o", "big.o"],
                setup=write_cxx, outputs=["big.o"], packages=["g++"]),
    ]
