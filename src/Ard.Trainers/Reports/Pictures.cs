namespace Ard.Trainers.Reports;

/// <summary>
/// Parts of a <see cref="HtmlReport"/> as pictures of their own, for notebooks, slides and papers: SVG that loads nothing, has its colours
/// with it and a light ground.
/// </summary>
public static class Pictures
{
    /// <summary>What each network gets right, clean, under each attack and under the worst of them: bars with 95 % intervals.</summary>
    /// <param name="models">The networks; those that were evaluated are shown.</param>
    /// <exception cref="ArgumentException">None was evaluated.</exception>
    public static string Accuracy(params IReadOnlyList<ModelReport> models)
    {
        ArgumentNullException.ThrowIfNull(models);
        return AccuracySection.Picture(models)?.ToString() ?? throw new ArgumentException(
            $"None of {Text.Count(models.Count, "network")} has Robustness, expected an evaluation.", nameof(models));
    }

    /// <summary>Accuracy over the budget, a line for each network.</summary>
    /// <param name="models">The networks; those that have a curve are shown.</param>
    /// <exception cref="ArgumentException">None has a curve, or their norms differ.</exception>
    public static string Curves(params IReadOnlyList<ModelReport> models)
    {
        ArgumentNullException.ThrowIfNull(models);
        var norms = models.Where(model => model.Curve is not null).Select(model => model.Curve!.Norm).Distinct();
        return LineSections.BudgetsPicture(models)?.ToString() ?? throw new ArgumentException(
            $"{Text.Count(models.Count, "network")} have curves of the norms [{string.Join(", ", norms)}], expected one norm.",
            nameof(models));
    }

    /// <summary>
    /// Images as they are, what an attack adds to them (amplified around mid-grey), and the sum, with what the network takes them for.
    /// </summary>
    /// <param name="images">The images.</param>
    /// <param name="classNames">The classes' names in the order of the logits.</param>
    /// <exception cref="ArgumentException">There is no image, or the names of some classes are missing.</exception>
    public static string Images(AttackedImages images, IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(classNames);
        if (images.Each.Count == 0) throw new ArgumentException("There is no image, expected one or more.", nameof(images));
        var last = images.Each.Max(image => Math.Max(image.Label, Math.Max(image.CleanPrediction, image.AttackedPrediction)));
        if (last >= classNames.Count)
            throw new ArgumentException($"There are names of {classNames.Count} classes, expected {last + 1} or more.", nameof(classNames));
        return ImageGrid.Picture(images, number => number < 0 ? "no class" : classNames[(int)number]).ToString();
    }
}
