namespace Ard.Trainers.Tests.Objectives;

public sealed class MtardTests
{
    [Fact]
    public void Loss_and_weights_of_three_batches_are_those_worked_out_by_hand()
    {
        using var scope = NewDisposeScope();
        var student = LinearNetwork.Random(6, 4, 1, ScalarType.Float64);
        var (robust, natural) = (LinearNetwork.Random(6, 4, 2, ScalarType.Float64), LinearNetwork.Random(6, 4, 3, ScalarType.Float64));
        robust.eval();
        natural.eval();
        var objective = new Mtard(new() { Rate = 0.3 });
        using var memory = new ObjectiveMemory();
        double[]? first = null;
        double[] weights = [0.5, 0.5];
        for (var step = 0; step < 3; step++)
        {
            var (images, points) = (Small.Images(5, (ulong)step, 6), Small.Images(5, (ulong)step + 10, 6));
            var batch = Small.Batch(student, images, teacher: robust, naturalTeacher: natural, memory: memory, step: step);
            batch.Adversarial = points;
            var loss = objective.Loss(batch).item<double>();
            objective.AfterBackward(batch);

            // The tenth of a batch mean; the robust teacher sees the adversarial images, the other one the clean ones.
            double[] losses = [Divergence(points, robust), Divergence(images, natural)];
            first ??= losses;
            var relative = losses.Zip(first, (now, then) => now / then).ToArray();
            for (var k = 0; k < 2; k++) weights[k] += 0.3 * (relative[k] / relative.Sum() - weights[k]);
            Assert.Equal(weights[0] * losses[0] + weights[1] * losses[1], loss, 1e-12);
            Assert.Equal(1, weights.Sum(), 1e-12);
            Compare.Close(tensor(weights), memory["mtard.weights"]!, 1e-12, "weights");
        }
        Assert.True(Math.Abs(weights[0] - 0.5) > 1e-3);

        double Divergence(Tensor at, LinearNetwork teacher)
        {
            var (p, q) = (teacher.call(at).softmax(1), student.call(at).softmax(1));
            return (p * (p / q).log()).sum().item<double>() / 5 * 0.1;
        }
    }

    [Fact]
    public void The_weights_move_once_a_batch_however_often_the_loss_is_asked_for()
    {
        using var scope = NewDisposeScope();
        var student = LinearNetwork.Random(6, 4, 1, ScalarType.Float64);
        var (robust, natural) = (LinearNetwork.Random(6, 4, 2, ScalarType.Float64), LinearNetwork.Random(6, 4, 3, ScalarType.Float64));
        robust.eval();
        natural.eval();
        double[] Weights(Objective objective, int asked)
        {
            using var memory = new ObjectiveMemory();
            for (var step = 0; step < 3; step++)
            {
                var batch = Small.Batch(
                    student, Small.Images(5, (ulong)step, 6), teacher: robust, naturalTeacher: natural, memory: memory, step: step);
                batch.Adversarial = Small.Images(5, (ulong)step + 10, 6);
                for (var time = 1; time < asked; time++) objective.Loss(batch);
                objective.Loss(batch).backward();
                objective.AfterBackward(batch);
            }
            return memory["mtard.weights"]!.data<double>().ToArray();
        }
        var mtard = new Mtard(new() { Rate = 0.3 });
        var once = Weights(mtard, 1);
        Assert.Equal(once, Weights(mtard, 2));
        // Weights that are perturbed by nothing to speak of: the host alone, though its loss is asked for twice.
        var perturbed = new AdversarialWeightPerturbation(mtard, new() { Gamma = 1e-200 });
        Assert.True(perturbed.NeedsNaturalTeacher);
        Assert.Equal(once, Weights(perturbed, 1));
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var student = Small.Network(1);
        var (robust, natural) = (Small.Network(2, teacher: true), Small.Network(3, teacher: true));
        var images = Small.Images(4, 2);
        var points = Small.Images(4, 3);
        var objective = new Mtard();
        Tensor Loss(Tensor at)
        {
            // The first batch of a memory, where the weights are one half.
            var batch = Small.Batch(student, images, teacher: robust, naturalTeacher: natural);
            batch.Adversarial = at;
            return objective.Loss(batch);
        }
        Loss(points).backward();
        var gradients = student.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone());
        double Value()
        {
            using var inner = NewDisposeScope();
            return Loss(points).item<double>();
        }
        foreach (var (name, parameter) in student.named_parameters()) Gradients.Check(Value, parameter, gradients[name], name);
        Assert.All(robust.parameters().Concat(natural.parameters()), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Equal_student_and_teachers_give_a_loss_of_nothing_and_not_of_no_number()
    {
        using var scope = NewDisposeScope();
        var student = LinearNetwork.Random(6, 4, 1, ScalarType.Float64);
        var (robust, natural) = (LinearNetwork.Random(6, 4, 1, ScalarType.Float64), LinearNetwork.Random(6, 4, 1, ScalarType.Float64));
        robust.eval();
        natural.eval();
        using var memory = new ObjectiveMemory();
        for (var step = 0; step < 2; step++)
        {
            var batch = Small.Batch(student, Small.Images(5, 1, 6), teacher: robust, naturalTeacher: natural, memory: memory);
            Assert.Equal(0, new Mtard().Loss(batch).item<double>(), 1e-12);
            new Mtard().AfterBackward(batch);
            Assert.True(memory["mtard.weights"]!.isfinite().all().item<bool>());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_killed_and_resumed_training_carries_the_weights_on(int afterReports) => Small.SurvivesAKill(
        new Mtard(new() { Rate = 0.5, Inner = new MtardOptions().Inner with { Steps = 1 } }), afterReports);

    [Fact]
    public void With_perturbed_weights_it_trains_and_resumes() =>
        Small.SurvivesAKill(ObjectiveCatalog.ByName("mtard+awp", new() { Steps = 1 }), afterReports: 1);

    [Fact]
    public void The_natural_teacher_is_asked_for_checked_and_left_as_it_was_found()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(20, seed: 1);
        using var student = Small.GlyphNetwork(1);
        using var teacher = Small.GlyphNetwork(2);
        using var natural = Small.GlyphNetwork(3);
        natural.train();
        var objective = new Mtard(new() { Inner = new MtardOptions().Inner with { Steps = 1 } });
        string Fault(Module<Tensor, Tensor>? second) => Assert.Throws<ArgumentException>(() => Trainer.Fit(
            new(student, teacher, NaturalTeacher: second), objective, data, Small.Options)).Message;
        Assert.Contains("NaturalTeacher is missing", Fault(null), StringComparison.Ordinal);
        Assert.Contains("NaturalTeacher is the Student too", Fault(student), StringComparison.Ordinal);

        var before = natural.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        Trainer.Fit(new(student, teacher, NaturalTeacher: natural), objective, data, Small.Options with { Epochs = 1 });
        Assert.True(natural.training);
        Assert.All(natural.parameters(), parameter => Assert.True(parameter.requires_grad));
        foreach (var (name, value) in natural.state_dict()) Compare.Same(before[name], value, name);

        using (no_grad()) natural.parameters().Last().fill_(double.NaN);
        Assert.Contains("NaturalTeacher has NaN or infinity", Assert.Throws<ArgumentException>(() => Trainer.Fit(
            new(student, teacher, NaturalTeacher: natural), objective, data, Small.Options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_without_a_natural_teacher_or_with_one_in_train_mode_is_refused()
    {
        using var scope = NewDisposeScope();
        var (student, teacher, training) = (Small.Network(1), Small.Network(2, teacher: true), Small.Network(3));
        var images = Small.Images(2, 1);
        Assert.Contains("needs a natural teacher", Assert.Throws<InvalidOperationException>(
            () => new Mtard().Loss(Small.Batch(student, images, teacher: teacher))).Message, StringComparison.Ordinal);
        Assert.Contains("natural teacher is in train mode", Assert.Throws<InvalidOperationException>(
            () => new Mtard().Loss(Small.Batch(student, images, teacher: teacher, naturalTeacher: training))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void The_defaults_are_those_of_the_released_code()
    {
        var options = new MtardOptions();
        Assert.Equal(0.025, options.Rate);
        Assert.Equal((1.0, 0.1, KlReduction.BatchMean),
            (options.Distillation.Temperature, options.Distillation.Weight, options.Distillation.Reduction));
        Assert.Equal((ThreatModel.Cifar10, 10, 2.0 / 255), (options.Inner.Threat, options.Inner.Steps, options.Inner.StepSize));
        Assert.Equal((AttackMode.Eval, Start.Gaussian(0.001)), (options.Inner.Mode, options.Inner.Start));
        Assert.Contains("Rate is 2", Assert.Throws<ArgumentException>(() => new Mtard(new() { Rate = 2 })).Message);
    }
}
