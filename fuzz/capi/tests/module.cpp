// Calls the bitcoinfuzz module as its driver does. Exit status 0 if the answers are the known ones.
#include "../bitcoinfuzz/module.h"

#include <cstdio>

int main() {
  const bitcoinfuzz::module::Sigstack sigstack;
  const bitcoinfuzz::BaseModule &module = sigstack;
  const unsigned int any_flags = 0x800;
  const bool holds = module.name == "Sigstack" && module.script_eval({0x51}, any_flags, 0) == true &&
                     module.script_eval({0x93}, any_flags, 0) == false &&
                     !module.script_eval({}, any_flags, 0).has_value() &&
                     module.verify_script({0x51}, {0x51, 0x87}) == true &&
                     module.verify_script({0x52}, {0x51, 0x87}) == false &&
                     !module.verify_script({}, {0x51}).has_value();
  std::printf("bitcoinfuzz module: %s\n", holds ? "the answers are the known ones" : "wrong answers");
  return holds ? 0 : 1;
}
