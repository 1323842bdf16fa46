using Ard.Bench;

// `./ard bench [NAME]`. Every benchmark runs beside a peer in the same run and prints ratios: single times depend on the machine's mood.
// Without a name: all of them, short enough for a few minutes together.
(string Name, Func<string[], int> Run, string[] Short)[] benchmarks =
[
    ("step", StepBench.Run, ["--rounds", "2", "--batch", "32"]),
    ("methods", MethodBench.Run, ["--rounds", "1", "--batch", "32"]),
    ("attack", AttackBench.Run, ["--rounds", "1", "--points", "64"]),
    ("scoring", ScoringBench.Run, ["--rounds", "3"]),
    ("data", DataBench.Run, ["--rounds", "3"]),
    ("growth", GrowthBench.Run, ["--rounds", "1"]),
];
try
{
    switch (args)
    {
        case [] or ["all"]:
            foreach (var (name, run, arguments) in benchmarks)
            {
                Console.WriteLine($"== bench {name} {string.Join(' ', arguments)}");
                run(arguments);
                Console.WriteLine();
            }
            return 0;
        case ["table", .. var rest]:
            return ResultsTable.Run(rest);
        case ["chart", .. var rest]:
            return ResultsChart.Run(rest);
        case [var name, .. var rest] when benchmarks.FirstOrDefault(benchmark => benchmark.Name == name).Run is { } run:
            return run(rest);
        default:
            Console.Error.WriteLine($"bench: expected {string.Join(", ", benchmarks.Select(b => b.Name))} (benchmarks), "
                + "table or chart (of results), or nothing for all benchmarks");
            return 2;
    }
}
catch (ArgumentException fault)
{
    Console.Error.WriteLine($"bench: {fault.Message}");
    return 2;
}
