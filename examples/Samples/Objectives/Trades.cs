using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>TRADES: accuracy on clean images, and the same answer on attacked ones.</summary>
internal static class TradesSample
{
    public static void Example()
    {
        var objective = Objective.Trades();
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // trades: clean 77 %, PGD-10 of 0.03 47 %
    }
}
