using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;

namespace Ard.Trainers.Training;

/// <summary>What a teacher gets right of some training images before it teaches: another order of classes shows there.</summary>
internal static class TeacherCheck
{
    private const int Most = 200;

    // On fewer images a fair teacher may get no more right than chance does.
    private const int EnoughToRefuse = 50;

    /// <summary>What there is to warn of in the teachers of a training. Usually nothing.</summary>
    /// <exception cref="ArgumentException">As <see cref="On"/>.</exception>
    public static IEnumerable<string> Advice(TrainingSetup setup) => setup.Teachers.SelectMany(teacher => On(
        $"the {teacher.Role}", teacher.Network, setup.Data,
        setup.Objective.NeedsTeacher && teacher.Network == setup.Networks.Teacher ? setup.Threat : null,
        setup.Options.AcceptTeacherNearChance));

    /// <summary>What there is to warn of. Usually nothing.</summary>
    /// <param name="role">The teacher's name in messages.</param>
    /// <param name="teacher">The teacher, in eval mode, on the device of the images.</param>
    /// <param name="data">The training images, of which every so manieth is looked at.</param>
    /// <param name="threat">What its students are to stand; null where that is not known or not its part.</param>
    /// <param name="accept">Whether a teacher near chance is a warning rather than an error.</param>
    /// <exception cref="ArgumentException">It is no better than chance on 50 images or more, or its outputs are not finite.</exception>
    private static IEnumerable<string> On(
        string role, Module<Tensor, Tensor> teacher, ImageDataset data, ThreatModel? threat, bool accept)
    {
        var count = Math.Min(Most, data.Count);
        using var scope = NewDisposeScope();
        long[] rows = [.. Enumerable.Range(0, (int)count).Select(row => row * data.Count / count)];
        using var some = data.Subset(tensor(rows, dtype: ScalarType.Int64));
        // Every process asks the same of its own.
        var options = new EvaluationOptions { Attacks = [], CheckNetwork = false, Group = ProcessGroup.Alone };
        if (threat is not null && new Pgd().Norms.Contains(threat.Norm)) options = options with { Threat = threat, Attacks = ["pgd-10"] };
        var report = new RobustnessEvaluator(options).Evaluate(teacher, some.Images, some.Labels);
        if (report.Clean.Predictions.Count(prediction => prediction < 0) is > 0 and var bad)
        {
            throw new ArgumentException(
                $"{role} gives outputs that are not finite for {bad} of {count} training images, expected finite logits.");
        }
        var (right, robust) = (report.Clean.CorrectCount, report.WorstCase.CorrectCount);
        var chance = string.Create(CultureInfo.InvariantCulture, $"{100.0 / data.Classes:0.#} %");
        var advice = new List<string>();
        if (teacher is ImageNetwork { ReportedAccuracy: { } told } && right < Chance.FarBelow(told, count))
            advice.Add(string.Create(CultureInfo.InvariantCulture, $"{role} gets {right} of {count} training images right, and its card ")
                + string.Create(CultureInfo.InvariantCulture, $"says {100 * told:0.#} %: are images and classes the same, in this order?"));
        if (right <= Chance.Reach(count, data.Classes))
        {
            var fault = $"{role} gets {right} of {count} training images right, where chance gets {chance}. Likely causes: its classes are "
                + $"in another order than the labels' ({Order(data)}); it normalises its input otherwise, or not at all; it expects other "
                + "values than [0,1]; it was never trained";
            if (!accept && count >= EnoughToRefuse)
                throw new ArgumentException($"{fault}. {nameof(TrainingOptions.AcceptTeacherNearChance)} goes on with it all the same.");
            advice.Add(fault);
        }
        else if (options.AttackNames.Count > 0 && robust <= count / data.Classes)
            advice.Add($"{role} gets {robust} of {count} training images right under attack (PGD-10, {threat}), where chance gets "
                + $"{chance}: it has no robustness that a student could learn from it");
        return advice;
    }

    private static string Order(ImageDataset data) => string.Join(", ", data.ClassNames.Take(4))
        + (data.Classes > 4 ? ", …" : "");
}

/// <summary>What a network that has learned nothing gets right.</summary>
internal static class Chance
{
    /// <summary>The most right answers of so many that are no sign of having learned: 1/classes and two standard deviations.</summary>
    public static double Reach(long images, int classes) =>
        images * 1.0 / classes + 2 * Math.Sqrt(images * (1.0 / classes) * (1 - 1.0 / classes));

    /// <summary>Fewer right answers are no chance with a network of this accuracy: a tenth less and two standard deviations.</summary>
    public static double FarBelow(double accuracy, long images) =>
        images * (accuracy - 0.1) - 2 * Math.Sqrt(images * accuracy * (1 - accuracy));
}
