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
            case "01-teacher-and-student":
                TeacherAndStudent(name => (RobustnessMetrics)variables[name]);
                break;
            case "03-pytorch-teacher-to-onnx":
                PytorchToOnnx(name => (RobustnessReport)variables[name]);
                Assert.InRange((double)variables["agreeClean"], 0.99, 1);
                Assert.InRange((double)variables["agreeAttacked"], 0.99, 1);
                break;
            case "02-which-attack-to-trust":
                WhichAttackToTrust(name => (RobustnessMetrics)variables[name]);
                break;
            default:
                Assert.Fail($"Nothing is said of what {name} shows.");
                break;
        }
    }

    private static void TeacherAndStudent(Func<string, RobustnessMetrics> of)
    {
        Assert.InRange(of("naturalMetrics").Clean.Accuracy, 0.9, 1);
        Assert.InRange(of("naturalMetrics")["pgd-20"].Accuracy, 0, 0.1);
        Assert.InRange(of("teacherMetrics")["pgd-20"].Accuracy, 0.45, 1);
        Assert.InRange(of("imitatorMetrics")["pgd-20"].Accuracy, 0, 0.2);
        var (alone, student) = (of("aloneMetrics"), of("studentMetrics"));
        Assert.InRange(student["pgd-20"].Accuracy - of("imitatorMetrics")["pgd-20"].Accuracy, 0.2, 1);
        Assert.InRange(student["pgd-20"].Accuracy - alone["pgd-20"].Accuracy, -0.05, 0.1);
        Assert.InRange(student.Clean.Accuracy - alone.Clean.Accuracy, 0, 0.06);
    }

    private static void PytorchToOnnx(Func<string, RobustnessReport> of)
    {
        Assert.InRange(of("teacherReport")["pgd-20"].Accuracy, 0.5, 1);
        Assert.Empty(of("teacherReport").Flags);
        Assert.InRange(of("studentReport")["pgd-20"].Accuracy, 0.3, 1);
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
