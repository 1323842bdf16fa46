namespace Ard.Trainers.Training;

/// <summary>What is allowed in the settings of a training, and is a mistake as a rule: told as warnings before the first step.</summary>
internal static class TrainingAdvice
{
    /// <summary>What there is to say before the first step, one sentence each. Usually nothing.</summary>
    public static IEnumerable<string> Before(TrainingSetup setup) =>
    [
        .. Before(setup.Options, setup.Objective, setup.Data, setup.Validation is not null),
        .. OfScale("validation", setup.Validation, setup.Data),
        .. OfScale("auxiliary", setup.Options.Auxiliary is { Share: > 0 } more ? more.Images : null, setup.Data),
    ];

    // So many images, at equal distances, have the darkest and the brightest pixels that there are, or nearly.
    private const long ImagesOfScale = 100;

    // Of fewer, none may have the darkest or the brightest.
    private const long FewestOfScale = 20;

    // Images from 0 to 1 read as images from -1 to 1 have half the scale, those read as images from 0 to 255 next to nothing of it.
    private const double OtherScale = 0.6;

    internal static IEnumerable<string> OfScale(string what, ImageDataset? images, ImageDataset training)
    {
        if (images is null || Math.Min(images.Count, training.Count) < FewestOfScale) yield break;
        var ((low, high), (least, most)) = (Range(images), Range(training));
        if (Math.Min(high - low, most - least) < OtherScale * Math.Max(high - low, most - least))
            yield return Invariant(
                $"the {what} images have pixels from {low:G3} to {high:G3}, the training images from {least:G3} to {most:G3}: ")
                + "are they in another scale?";
    }

    private static (double, double) Range(ImageDataset data)
    {
        using var scope = NewDisposeScope();
        var count = Math.Min(ImagesOfScale, data.Count);
        var images = data.Batch(Arange(count, ScalarType.Int64).Times(data.Count).Over(count, RoundingMode.floor)).Images;
        return (images.min().item<float>(), images.max().item<float>());
    }

    /// <summary>What there is to say of the auxiliary images' own labels after the teacher was asked; null for nothing.</summary>
    public static string? OfAuxiliary(TrainingSetup setup) =>
        setup is { AuxiliaryLabels: { Disagreement: { } share } noise, Options.Auxiliary.TeacherLabels: false }
            && Math.Round((1 - share) * noise.Images) <= Chance.Reach(noise.Images, setup.Data.Classes)
            ? $"{noise}. The teacher agrees with no more of their labels than chance does: are the classes in another order?"
            : null;

    internal static IEnumerable<string> Before(TrainingOptions options, Objective objective, ImageDataset data, bool validates)
    {
        if (objective.Threat is { } threat && threat.Warning is { } budget) yield return $"the training is against {threat}: {budget}";
        if (validates && options.Validation.Threat is { } judge && judge != objective.Threat)
        {
            if (judge.Warning is { } other) yield return $"the validation is against {judge}: {other}";
            if (objective.Threat is not null)
                yield return $"the best epoch is chosen against {judge}, and the training is against {objective.Threat}";
        }
        var (padding, side) = (options.Augmentation!.Padding, Math.Min(data.Height, data.Width));
        if (padding > 0 && 4 * padding >= side)
            yield return $"the augmentation {options.Augmentation} moves images of {data.Height}x{data.Width} by a quarter of their size "
                + $"or more: a padding of {Augmentation.For(data.Channels, data.Height, data.Width).Padding} is usual for them";
        if (options.Schedule is MultiStepSchedule { Milestones: [var first, ..] } schedule && first >= options.Epochs)
            yield return $"the schedule {schedule} never lowers the learning rate in {options.Epochs} epochs; "
                + $"{nameof(Schedule)}.{nameof(Schedule.MultiStepByShare)} has its milestones as shares of the training";
        var steps = new BatchPlan(data.Count, options.BatchSize!.Value).Steps;
        var all = (long)steps * options.Epochs!.Value;
        if (options.Averaging is StochasticWeightAveraging averaging
            && !averaging.Takes(all - all % (averaging.EverySteps ?? steps), steps, options.Epochs.Value))
            yield return $"no weights are averaged: in {options.Epochs} epochs of {steps} steps none is one that {averaging} takes";
        if (((objective as Igdm)?.Host ?? objective) is AdversarialWeightPerturbation { Options.WarmUpEpochs: var warmUp }
            && warmUp >= options.Epochs)
            yield return $"the weights are perturbed after {warmUp} epochs, and there are {options.Epochs}";
    }

    /// <summary>What there is to say after the last epoch of a training that has learned nothing. Usually nothing.</summary>
    public static IEnumerable<string> After(TrainingSetup setup, EpochRecord last, EpochRecord? best)
    {
        var data = setup.Data;
        // So few validation images may nearly all be right by chance.
        var tells = best is not null && 4 * Chance.Reach(setup.Validation!.Count, data.Classes) <= 3 * setup.Validation.Count;
        var (images, of, clean) = !tells
            ? (data.Count, "images in training", last.TrainingAccuracy)
            : (setup.Validation!.Count, "validation images", best!.ValidationAccuracy!.Value);
        var chance = Invariant($"where chance gets {100.0 / data.Classes:0.#} %");
        // What is not known is no reason to warn. In training images may be attacked, and those of the validation are clean, however few.
        var atChance = tells || best is null || best.ValidationAccuracy <= 1.0 / data.Classes;
        if (atChance && double.IsFinite(clean) && Math.Round(clean * images) is var right && right <= Chance.Reach(images, data.Classes))
            yield return $"{(tells ? $"epoch {best!.Epoch}, which is kept, has" : "it ends with")} {right} of {images} {of} right, "
                + $"{chance}: it has learned nothing. {Remedy(setup)}";
        else if (setup.MeetsAdversary && best?.RobustValidationAccuracy == 0)
            yield return $"under attack none of {setup.Validation!.Count} validation images is right, so that the choice of the best epoch "
                + $"rests on clean images alone. {Remedy(setup)}";
    }

    private static string Remedy(TrainingSetup setup)
    {
        var (options, usual, objective) = (setup.Options, setup.Usual, setup.Objective);
        var (rate, usualRate) = (options.Optimizer!.LearningRate, usual.Optimizer!.LearningRate);
        List<string> remedies = [];
        if (options.Optimizer is SgdOptimizer && (rate > 2 * usualRate || rate < usualRate / 2))
            remedies.Add(Invariant(
                $"a learning rate of {usualRate:G2}, which is usual for {objective.Name} at this batch size, in place of {rate:G2}"));
        if (options.Epochs < usual.Epochs)
            remedies.Add($"{usual.Epochs} epochs, which are usual for so many images, in place of {options.Epochs}");
        if (remedies.Count == 0) remedies.Add("another learning rate, or more epochs");
        return $"Try {string.Join("; ", remedies)}; another seed; a smaller budget; a larger network with batch "
            + "normalisation; more images";
    }
}
