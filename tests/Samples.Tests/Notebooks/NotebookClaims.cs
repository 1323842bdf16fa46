using Ard.MLNet.Evaluation;
using Ard.Trainers.Evaluation;

namespace Ard.Samples.Tests.Notebooks;

/// <summary>What the texts of the notebooks say of their figures.</summary>
internal static class NotebookClaims
{
    public static void Check(string name, IReadOnlyDictionary<string, object> variables)
    {
        switch (name)
        {
            case "02-which-attack-to-trust":
                WhichAttackToTrust(name => (RobustnessMetrics)variables[name]);
                break;
            default:
                Assert.Fail($"Nothing is said of what {name} shows.");
                break;
        }
    }

    private static void WhichAttackToTrust(Func<string, RobustnessMetrics> of)
    {
        var (honest, before, after, seen) = (of("honest"), of("before"), of("after"), of("seen"));
        // FGSM overstates by more than ten points, and the strong attacks of an honest network are close together.
        Assert.InRange(honest["fgsm"].Accuracy - honest.WorstCase.Accuracy, 0.1, 0.3);
        Assert.InRange(honest["pgd-20"].Accuracy - honest.WorstCase.Accuracy, 0, 0.08);
        Assert.Empty(honest.Flags);
        // The same predictions, and FGSM and PGD find nothing any more, which the flags say.
        Assert.Equal(before.Clean.Accuracy, after.Clean.Accuracy);
        Assert.InRange(before["pgd-20"].Accuracy, 0, 0.1);
        Assert.InRange(after["pgd-20"].Accuracy, 0.85, 1);
        Assert.Contains(after.Flags, flag => flag.Code == RobustnessFlagCode.ZeroGradients);
        // What sees through it.
        Assert.InRange(seen.WorstCase.Accuracy, 0, 0.1);
        Assert.InRange(of("robustAuto")["autoattack"].Accuracy, 0.2, 0.5);
        Assert.InRange(of("hidingAuto")["autoattack"].Accuracy, 0, 0.05);
    }
}
