using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>TRADES with a weight of its own between accuracy and robustness.</summary>
internal static class TradesWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Trades(new TradesOptions
        {
            Beta = 3,                               // default 6; more is more robust and less accurate
            Inner = new TradesOptions().Inner with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            StatisticsPasses = false,                // the released code runs the clean images twice
        });
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // trades: clean 77 %, PGD-10 of 0.05 32 %
    }
}
