using Ard.Bench;

// `./ard bench NAME`. Every benchmark runs beside a peer in the same run and prints ratios: single times depend on the machine's mood.
try
{
    switch (args)
    {
        case ["step", .. var rest]:
            return StepBench.Run(rest);
        case ["attack", .. var rest]:
            return AttackBench.Run(rest);
        case ["scoring", .. var rest]:
            return ScoringBench.Run(rest);
        case ["table", .. var rest]:
            return ResultsTable.Run(rest);
        case ["chart", .. var rest]:
            return ResultsChart.Run(rest);
        default:
            Console.Error.WriteLine("bench: expected step, attack, scoring (benchmarks), table or chart (of results)");
            return 2;
    }
}
catch (ArgumentException fault)
{
    Console.Error.WriteLine($"bench: {fault.Message}");
    return 2;
}
