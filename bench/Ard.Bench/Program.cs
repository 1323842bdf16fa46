using Ard.Bench;

// `./ard bench [NAME]`. Every benchmark runs beside a peer in the same run and prints ratios: single times depend on the machine's mood.
// `all` is what docs/performance.md has, by bench/performance.sh.
string[][] all =
[
    ["step", "--rounds", "3"],
    ["step", "--rounds", "1", "--mixed", "main-resnet18", "main-mobilenetv2"],
    ["attack", "--rounds", "2", "--points", "128"],
    ["scoring", "--rounds", "11"],
    ["methods", "--rounds", "1", "--batch", "32"],
    ["data", "--rounds", "5"],
    ["growth", "--rounds", "1"],
];
var root = new RootCommand("Measures speed and memory, each beside a peer in the same run.")
{
    StepBench.Command(), AttackBench.Command(), ScoringBench.Command(), MethodBench.Command(), DataBench.Command(), GrowthBench.Command(),
    SizeBench.Command(), DefaultsBench.Command(), ScaleBench.Command(), ResultsTable.Command(), ResultsChart.Command(), StepBench.Side(),
};
var everything = new Command("all", "All benchmarks, short enough for some minutes together.");
everything.SetAction(_ => all.Max(arguments => root.Parse(arguments).Invoke()));
root.Add(everything);
return root.Parse(args is [] ? ["all"] : args).Invoke();
